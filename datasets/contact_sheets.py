"""Pictures with boxes drawn on them, many on one sheet, as PNG files.

Takes plain arrays; where they come from, shards or augmentation, is the caller's business.
"""
import colorsys
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tf_extended.files import write_png

COLUMNS, ROWS, SIDE = 4, 3, 320
_CAPTION, _GAP, _BACKGROUND, _INK = 20, 6, 32, (235, 235, 235)
_FONT, _FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.42
# Before its version 5, OpenCV's fonts hold ASCII only.
_UNICODE = int(cv2.__version__.partition(".")[0]) >= 5
# Anchors often coincide with their object: under this the text would hide the box.
_SMALL_BOX = 30

Colour = tuple[int, int, int]


class Mark(NamedTuple):
    """A box to draw: (ymin, xmin, ymax, xmax) relative to the picture; RGB colour; what stands at its corner."""

    box: Sequence[float]
    colour: Colour
    text: str = ""
    thickness: int = 2


class Tile(NamedTuple):
    """A picture uint8 RGB [H, W, 3], what is drawn on it, and the line under it."""

    image: np.ndarray
    marks: Sequence[Mark]
    caption: str


def palette(number: int) -> Colour:
    """A bright colour for a class id or layer number; neighbours differ most."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1.0, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_tile(tile: Tile) -> np.ndarray:
    """The picture at sheet size with its marks and caption, uint8 RGB [SIDE + caption, SIDE, 3]."""
    height, width = tile.image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = cv2.resize(tile.image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for mark in tile.marks:
        corners = np.asarray(mark.box, float) * [size[1], size[0], size[1], size[0]]
        ymin, xmin, ymax, xmax = (int(value) for value in np.clip(np.round(corners), -SIDE, 2 * SIDE))
        cv2.rectangle(picture, (xmin, ymin), (xmax, ymax), mark.colour, mark.thickness)
        if mark.text and xmax - xmin >= _SMALL_BOX:
            place = max(xmin, 0) + 3, min(max(ymin, 0) + 13, size[1] - 3)
            _write(picture, mark.text, place, mark.colour)
    canvas = np.full((SIDE + _CAPTION, SIDE, 3), _BACKGROUND, np.uint8)
    canvas[:size[1], :size[0]] = picture
    _write(canvas, tile.caption, (2, SIDE + 14), _INK)
    return canvas


def _write(image: np.ndarray, text: str, place: tuple[int, int], colour: Colour) -> None:
    """Text on a dark ground, readable on anything."""
    if not _UNICODE:
        text = text.encode("ascii", "replace").decode()
    (width, height), below = cv2.getTextSize(text, _FONT, _FONT_SIZE, 1)
    left, bottom = place
    ground = image[max(bottom - height - 1, 0):bottom + below, max(left - 1, 0):left + width + 1]
    ground[:] = ground // 3
    cv2.putText(image, text, place, _FONT, _FONT_SIZE, colour, 1, cv2.LINE_AA)


def _legend(entries: Sequence[tuple[str, Colour]], width: int) -> np.ndarray:
    """A strip with the entries in their colours, in as many lines as they need."""
    lines, right = [[]], 8
    for text, colour in entries:
        length = cv2.getTextSize(text, _FONT, _FONT_SIZE, 1)[0][0] + 18
        if right + length > width and lines[-1]:
            lines.append([])
            right = 8
        lines[-1].append((text, colour, right))
        right += length
    strip = np.full((_CAPTION * len(lines) + _GAP, width, 3), _BACKGROUND, np.uint8)
    for number, line in enumerate(lines):
        for text, colour, left in line:
            _write(strip, text, (left, _CAPTION * number + 16), colour)
    return strip


def contact_sheet(tiles: Sequence[Tile], legend: Sequence[tuple[str, Colour]]) -> np.ndarray:
    """Up to COLUMNS × ROWS tiles under a legend, uint8 RGB."""
    drawn = [np.pad(draw_tile(tile), ((0, _GAP), (0, _GAP), (0, 0)), constant_values=_BACKGROUND) for tile in tiles]
    drawn += [np.full_like(drawn[0], _BACKGROUND)] * (-len(drawn) % COLUMNS)
    rows = [np.hstack(drawn[start:start + COLUMNS]) for start in range(0, len(drawn), COLUMNS)]
    return np.vstack([_legend(legend, rows[0].shape[1]), *rows])


def save_sheets(folder: Path, name: str, tiles: Sequence[Tile], legend: Sequence[tuple[str, Colour]]) -> list[Path]:
    """Write the tiles as `{name}_{00}.png`, as many as they need, in place of older ones; returns the paths."""
    names = (folder / f"{name}_{number:02d}.png" for number in itertools.count())
    for old in itertools.takewhile(Path.exists, names):  # in a row: others of such a name are somebody's own
        old.unlink()
    paths, per_sheet = [], COLUMNS * ROWS
    for number, start in enumerate(range(0, len(tiles), per_sheet)):
        paths.append(folder / f"{name}_{number:02d}.png")
        write_png(paths[-1], contact_sheet(tiles[start:start + per_sheet], legend))
    return paths
