"""Pictures with ground truth and detections, drawn with OpenCV: where the detector erred most, and a fair sample.

Its job: choosing and drawing them. Loading a picture is the job of the caller's function; saying what is an error is
`error_analysis`'. Colours (`LEGEND`) tell right from wrong without red against green.
"""
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tf_extended.console import amount
from tf_extended.evaluation.error_analysis import ErrorAnalysis, Kind
from tf_extended.evaluation.records import Detections, GroundTruth
from tf_extended.files import write_png

# RGB.
FOUND, DIFFICULT, MISSED, RIGHT, WRONG = (0, 200, 120), (170, 170, 170), (255, 140, 0), (60, 130, 255), (220, 60, 200)
LEGEND = (
    ("object that was found", FOUND), ("object that was missed", MISSED), ("difficult object", DIFFICULT),
    ("detection that is right", RIGHT), ("detection that is wrong, and how", WRONG),
)
# Small pictures are enlarged, so that the texts do not cover them; large ones are made smaller.
SHOWN_SIDE = 640
# Characters of an image id in a file's name, which may have 255 bytes; a character has up to four.
LONGEST_ID = 60


class Mark(NamedTuple):
    """A box of VOC pixels, (ymin, xmin, ymax, xmax), its RGB colour, and the text at its corner."""

    bbox: np.ndarray
    colour: tuple[int, int, int]
    text: str = ""
    thickness: int = 2


def worst_images(analysis: ErrorAnalysis, count: int) -> list[int]:
    """Indices of at most `count` images with errors, most errors first, then by index."""
    order = np.argsort(-analysis.image_errors, kind="stable")
    return [int(index) for index in order[:count] if analysis.image_errors[index] > 0]


def typical_images(num_images: int, count: int) -> list[int]:
    """Indices of at most `count` images, evenly spread over all, whatever was found in them."""
    return np.unique(np.linspace(0, num_images - 1, min(count, num_images)).round().astype(int)).tolist()


def write_pictures(
    folder: Path, chosen: list[int], images: Mapping[int, np.ndarray], detections: Detections,
    truth: GroundTruth, analysis: ErrorAnalysis, names: Mapping[int, str],
) -> list[tuple[Path, str]]:
    """Draw the `chosen` images as `{rank}_{image id}.png`; returns their paths and captions.

    images: index → RGB uint8 [H, W, 3]; what is not among them is left out. Pictures of an earlier evaluation in
    `folder` are removed.
    """
    for old in folder.glob("[0-9][0-9]*_*.png"):
        old.unlink()
    written = []
    for index in filter(images.__contains__, chosen):
        safe_id = re.sub(r"[^\w.-]+", "_", truth.image_ids[index])[:LONGEST_ID]
        path = folder / f"{len(written) + 1:02d}_{safe_id}.png"
        drawn = draw_image(images[index], index, detections, truth, analysis, names)
        write_png(path, drawn)
        written.append((path, f"{truth.image_ids[index]}: {amount(analysis.image_errors[index], 'error')}"))
    return written


def draw_image(
    image: np.ndarray, index: int, detections: Detections, truth: GroundTruth, analysis: ErrorAnalysis,
    names: Mapping[int, str],
) -> np.ndarray:
    """One picture, RGB uint8 [H, W, 3], with its objects and the detections from the operating point on."""
    marks = []
    for row in np.flatnonzero(truth.images == index):
        colour = DIFFICULT if truth.difficults[row] else FOUND if analysis.found[row] else MISSED
        text = f"missed {names[int(truth.labels[row])]}" if colour is MISSED else ""
        marks.append(Mark(truth.bboxes[row], colour, text, thickness=4))
    shown = (detections.images == index) & (detections.scores >= analysis.point.threshold)
    for row in np.flatnonzero(shown)[::-1]:
        kind = Kind(int(analysis.kinds[row]))
        colour = WRONG if kind >= Kind.DUPLICATE else DIFFICULT if kind == Kind.IGNORED else RIGHT
        why = f" {kind.name.lower().replace('_', ' ')}" if kind >= Kind.DUPLICATE else ""
        text = f"{names[int(detections.labels[row])]} {detections.scores[row]:.2f}{why}"
        marks.append(Mark(detections.bboxes[row], colour, text))
    return draw_marks(image, marks)


def draw_marks(image: np.ndarray, marks: Sequence[Mark], side: int = SHOWN_SIDE) -> np.ndarray:
    """A copy of the picture, RGB uint8 [H, W, 3], whose longer side is `side`, with the marks, the last on top."""
    scale = side / max(image.shape[:2])
    height, width = (max(round(length * scale), 1) for length in image.shape[:2])  # a line stays a line
    canvas = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    corners = [_draw_box(canvas, mark.bbox, scale, mark.colour, mark.thickness) for mark in marks]
    # Texts last, so that no box crosses them.
    taken: list[tuple[int, int, int, int]] = []
    for mark, corner in zip(marks, corners, strict=True):
        if mark.text:
            taken.append(_draw_text(canvas, mark.text, corner, mark.colour, taken))
    return canvas


def _draw_box(
    canvas: np.ndarray, bbox: np.ndarray, scale: float, colour: tuple[int, int, int], thickness: int
) -> tuple[int, int]:
    """Draw a box of VOC pixels (1-based, inclusive); returns its upper left corner (x, y) on the canvas."""
    far = 2 * max(canvas.shape)  # OpenCV draws no corner that is too far away to be a small integer
    xmin, ymin, xmax, ymax = (int(value) for value in np.clip(
        np.round((bbox[[1, 0, 3, 2]] - [1, 1, 0, 0]) * scale), -far, far))
    cv2.rectangle(canvas, (xmin, ymin), (xmax, ymax), colour, thickness, cv2.LINE_AA)
    return xmin, ymin


def _draw_text(
    canvas: np.ndarray, text: str, corner: tuple[int, int], colour: tuple[int, int, int],
    taken: list[tuple[int, int, int, int]],
) -> tuple[int, int, int, int]:
    """Write above `corner`, or as far below as it takes to meet none of the texts `taken`; returns (x0, y0, x1, y1)."""
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)
    line = height + base + 2
    x = int(np.clip(corner[0], 0, max(canvas.shape[1] - width - 4, 0)))
    y = int(np.clip(corner[1], line, canvas.shape[0]))
    while y + line <= canvas.shape[0] and any(
        x < x1 and x + width + 4 > x0 and y - line < y1 and y > y0 for x0, y0, x1, y1 in taken
    ):
        y += line
    cv2.rectangle(canvas, (x, y - line), (x + width + 4, y), colour, cv2.FILLED)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    cv2.putText(canvas, text, (x + 2, y - base), cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, 1, cv2.LINE_AA)
    return x, y - line, x + width + 4, y
