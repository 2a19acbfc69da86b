"""Draw one picture of coloured shapes, and tell where they are: what the generated demo data consists of.

1. A textured background with clutter that belongs to no class.
2. Shapes of any size, turn and fill, over one another and over the border; each must stay visible to some degree. Most
   wear the colour of their class, as bananas are mostly yellow: a net from random weights learns them in minutes.
3. Boxes around what is visible; difficult and truncated as VOC means them.

Not its job: files and annotations (`shapes`).
"""
import math
from typing import NamedTuple

import cv2
import numpy as np

CLASSES = ("circle", "ring", "square", "star", "triangle")

# Fractions of a shape's area, and sides in pixels: what makes an object difficult or truncated, and what is redrawn.
MIN_VISIBLE, DIFFICULT_VISIBLE, TRUNCATED_INSIDE, DIFFICULT_SIDE = 0.2, 0.45, 0.95, 20
SMALLEST, LARGEST = 0.15, 0.7
MAX_OBJECTS, TRIALS = 7, 12
# The share of shapes that may lie across the border.
AT_BORDER = 0.25
# The share of shapes that have their class's hue, give or take HUE_SPREAD (OpenCV's hues, 0 to 179).
OWN_HUE, HUE_SPREAD = 0.9, 7
# Backgrounds and clutter are duller than shapes (saturation of 0 to 255).
DULL, FULL = (20, 110), (150, 256)
# Positions of shapes are drawn in 1/16 of a pixel (cv2's `shift`), so that turned edges are smooth.
_SHIFT = 4


class Shape(NamedTuple):
    """One object. box: (xmin, ymin, xmax, ymax), 1-based inclusive pixels of its visible part."""

    name: str
    box: tuple[int, int, int, int]
    difficult: int
    truncated: int


def draw_picture(rng: np.random.Generator) -> tuple[np.ndarray, list[Shape]]:
    """A picture uint8 BGR [H, W, 3] with one to seven shapes, all chosen by `rng`."""
    height, width = rng.integers(280, 420, 2)
    picture = _texture(rng, height, width, _colour(rng))
    _add_clutter(rng, picture)
    owner = np.zeros((height, width), np.uint8)
    names, areas, inside = [], [], []
    for _ in range(rng.integers(1, MAX_OBJECTS + 1)):
        name, mask, whole = _place(rng, owner, areas)
        if name is None:
            continue
        names.append(name)
        areas.append(whole)
        inside.append(np.count_nonzero(mask > 127) / whole)
        owner[mask > 127] = len(names)
        _paint(rng, picture, mask, CLASSES.index(name) * 180 // len(CLASSES))
    shapes = [_describe(owner == number, name, area, part)
              for number, (name, area, part) in enumerate(zip(names, areas, inside, strict=True), 1)]
    return _photograph(rng, picture), shapes


def _describe(visible: np.ndarray, name: str, area: float, inside: float) -> Shape:
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    box = (int(columns[0]) + 1, int(rows[0]) + 1, int(columns[-1]) + 1, int(rows[-1]) + 1)
    small = min(box[2] - box[0], box[3] - box[1]) < DIFFICULT_SIDE
    hidden = np.count_nonzero(visible) / area < DIFFICULT_VISIBLE
    return Shape(name, box, int(small or hidden), int(inside < TRUNCATED_INSIDE))


def _place(rng: np.random.Generator, owner: np.ndarray, areas: list[float]) -> tuple[str | None, np.ndarray, float]:
    """A class, its mask and whole area, such that neither it nor what it covers vanishes; (None, …) without room."""
    side = min(owner.shape)
    name = CLASSES[rng.integers(len(CLASSES))]
    mask, whole = np.zeros_like(owner), 1.0
    for _ in range(TRIALS):
        radius = side / 2 * SMALLEST * (LARGEST / SMALLEST) ** rng.random()
        margin = radius * (-0.3 if rng.random() < AT_BORDER else 1.0)
        centre = rng.uniform(margin, np.array(owner.shape[::-1]) - margin)
        angle = rng.uniform(0, 2 * np.pi)
        whole = _whole_area(name, radius, angle)
        mask = _mask(name, centre, radius, angle, owner.shape)
        left = [np.count_nonzero((owner == number) & (mask <= 127)) / area for number, area in enumerate(areas, 1)]
        if min([np.count_nonzero(mask > 127) / whole, *left]) >= MIN_VISIBLE:
            return name, mask, whole
    return None, mask, whole


def _whole_area(name: str, radius: float, angle: float) -> float:
    side = int(2 * radius) + 8
    return float(np.count_nonzero(_mask(name, np.full(2, side / 2), radius, angle, (side, side)) > 127))


def _mask(name: str, centre: np.ndarray, radius: float, angle: float, shape: tuple[int, int]) -> np.ndarray:
    """uint8 coverage [H, W] of a shape, 0 to 255 along its edge."""
    mask = np.zeros(shape, np.uint8)
    for scale, value in ((1.0, 255), (0.55, 0)) if name == "ring" else ((1.0, 255),):
        points = centre + radius * scale * _outline(name, angle)
        cv2.fillPoly(mask, [np.round(points * 2**_SHIFT).astype(np.int32)], value, cv2.LINE_AA, _SHIFT)
    return mask


def _outline(name: str, angle: float) -> np.ndarray:
    """[N, 2] points on the unit circle, or within it for the star's inner corners."""
    corners = {"square": 4, "triangle": 3, "star": 10}.get(name, 72)
    turns = angle + 2 * np.pi * np.arange(corners) / corners
    radii = np.where(np.arange(corners) % 2, 0.45, 1.0) if name == "star" else np.ones(corners)
    return np.stack([radii * np.cos(turns), radii * np.sin(turns)], 1)


def _colour(rng: np.random.Generator, saturation: tuple[int, int] = DULL, hue: int | None = None) -> np.ndarray:
    """A BGR colour, float32 [3], neither black nor white, of a saturation within bounds: of any hue, or near `hue`."""
    near = rng.integers(180) if hue is None else (hue + rng.integers(-HUE_SPREAD, HUE_SPREAD + 1)) % 180
    hsv = np.uint8([[[near, rng.integers(*saturation), rng.integers(70, 236)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float32)


def _texture(rng: np.random.Generator, height: int, width: int, colour: np.ndarray) -> np.ndarray:
    """float32 [H, W, 3] around a colour: a gradient, stripes, checks or clouds."""
    kind, angle, period = rng.integers(4), rng.uniform(0, np.pi), rng.uniform(8, 40)
    # Python's numbers, not NumPy's, so that the picture stays float32.
    cosine, sine, turns = math.cos(angle), math.sin(angle), 2 * math.pi / period
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    if kind == 0:
        along = x * cosine + y * sine
        wave = 2 * (along - along.min()) / max(np.ptp(along), 1) - 1
    elif kind == 1:
        wave = np.sin(turns * (x * cosine + y * sine))
    elif kind == 2:
        wave = np.sign(np.sin(turns * (x * cosine + y * sine)) * np.sin(turns * (y * cosine - x * sine)))
    else:
        coarse = rng.uniform(-1, 1, (max(2, height // 24), max(2, width // 24))).astype(np.float32)
        wave = cv2.resize(coarse, (int(width), int(height)), interpolation=cv2.INTER_CUBIC)
    tint = (_colour(rng) - colour) * rng.uniform(0.15, 0.45)
    return colour + wave[..., None] * tint


def _add_clutter(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Lines and long ellipses, which belong to no class."""
    height, width = picture.shape[:2]
    for _ in range(rng.integers(0, 7)):
        start, end = (tuple(int(value) for value in rng.uniform(0, (width, height))) for _ in range(2))
        colour = tuple(float(value) for value in _colour(rng))
        if rng.random() < 0.6:
            cv2.line(picture, start, end, colour, int(rng.integers(1, 7)), cv2.LINE_AA)
        else:
            axes = (int(rng.integers(20, 70)), int(rng.integers(3, 9)))
            cv2.ellipse(picture, start, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)


def _paint(rng: np.random.Generator, picture: np.ndarray, mask: np.ndarray, own_hue: int) -> None:
    """Fill a shape with a texture that stands off from what it covers, with an outline now and then."""
    left, top, width, height = cv2.boundingRect(mask)
    region = np.s_[max(top - 1, 0):top + height + 1, max(left - 1, 0):left + width + 1]
    mask, picture = mask[region], picture[region]
    behind = picture[mask > 127].mean(0)
    hue = own_hue if rng.random() < OWN_HUE else None
    colours = [_colour(rng, FULL, hue) for _ in range(4)]
    colour = max(colours, key=lambda candidate: np.abs(candidate - behind).sum())
    cover = mask[..., None].astype(np.float32) / 255
    picture += cover * (_texture(rng, *mask.shape, colour) - picture)
    if rng.random() < 0.5:
        edges = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        picture *= 1 - edges[..., None].astype(np.float32) / 255 * rng.uniform(0.3, 0.9)


def _photograph(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Light from one side, blur and noise; uint8."""
    height, width = picture.shape[:2]
    light = np.linspace(*rng.uniform(0.75, 1.15, 2), width, dtype=np.float32)[None, :, None]
    noise = rng.uniform(2, 9) * rng.standard_normal((height, width, 1), np.float32)
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.1))
    return np.clip(blurred * light + noise, 0, 255).astype(np.uint8)
