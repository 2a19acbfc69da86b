"""Generate a VOC folder of coloured shapes: real files in the real layout, so that everything can be tried at once.

Learnable within minutes, but not trivial: occlusion, textures, clutter, sizes from tiny to most of the picture, objects
cut by the border. The same seed gives the same pictures, each independent of how many there are.

Not its job: drawing (`shape_pictures`), conversion.
"""
import functools
from pathlib import Path

import cv2
import numpy as np
from lxml import etree
from lxml.builder import E

from datasets.shape_pictures import CLASSES, Shape, draw_picture
from datasets.voc_folders import ANNOTATIONS, PICTURES, SPLITS
from datasets.workers import Workers
from tf_extended.console import InputError, progress

JPEG_QUALITY = 90
# One training picture in this many belongs to `val`.
VAL_EVERY = 5


def make_devkit(output_dir: str | Path, num_train: int, num_test: int, seed: int = 0, num_workers: int = 1) -> Path:
    """Write a VOC folder: Annotations, JPEGImages, ImageSets/Main, labels.txt; returns it as a Path.

    `trainval` lists `num_train` pictures, `train` and `val` divide them, `test` lists `num_test` others. An existing
    folder's files of the same names are overwritten; the lists come last, so an interrupted run leaves no list.
    num_workers: processes that draw; the files do not depend on it. Raises InputError for numbers that are none.
    """
    for name, number, least in (("num_train", num_train, 0), ("num_test", num_test, 0), ("seed", seed, 0),
                                ("num_workers", num_workers, 1)):
        if not isinstance(number, int | np.integer) or number < least:
            raise InputError(f"{name} is {number!r}; expected a whole number of at least {least}")
    folder = Path(output_dir)
    for part in (ANNOTATIONS, PICTURES, SPLITS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    ids = [f"{number:06d}" for number in range(1, num_train + num_test + 1)]
    with Workers(num_workers) as workers:
        draw = functools.partial(_write_picture, folder, seed)
        for _ in progress(workers.map(draw, list(enumerate(ids))), len(ids), "drawing"):
            pass
    trainval = ids[:num_train]
    val = trainval[VAL_EVERY - 1::VAL_EVERY] or trainval[1:][-1:]
    lists = {"trainval": trainval, "val": val, "test": ids[num_train:],
             "train": [name for name in trainval if name not in set(val)]}
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")
    for split, names in lists.items():
        text = "".join(f"{name}\n" for name in names)
        (folder / SPLITS / f"{split}.txt").write_text(text, encoding="utf-8")
    return folder


def _write_picture(folder: Path, seed: int, numbered: tuple[int, str]) -> None:
    """Draw the picture of that number and name, and write it with its annotation."""
    number, name = numbered
    picture, shapes = draw_picture(np.random.default_rng([seed, number]))
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    (folder / PICTURES / f"{name}.jpg").write_bytes(encoded.tobytes())
    (folder / ANNOTATIONS / f"{name}.xml").write_bytes(annotation_xml(f"{name}.jpg", picture.shape, shapes))


def annotation_xml(filename: str, shape: tuple[int, int, int], objects: list[Shape]) -> bytes:
    """A VOC annotation of a picture of shape (H, W, channels)."""
    height, width, channels = shape
    root = E.annotation(
        E.folder("shapes"), E.filename(filename), E.source(E.database("generated shapes")),
        E.size(E.width(str(width)), E.height(str(height)), E.depth(str(channels))), E.segmented("0"))
    for thing in objects:
        sides = [E(side, str(value)) for side, value in zip(("xmin", "ymin", "xmax", "ymax"), thing.box, strict=True)]
        root.append(E.object(
            E.name(thing.name), E.pose("Unspecified"), E.truncated(str(thing.truncated)),
            E.difficult(str(thing.difficult)), E.bndbox(*sides)))
    return etree.tostring(root, pretty_print=True)
