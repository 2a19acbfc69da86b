"""A small VOC folder for the tests, and ways to damage it: real files where they are beside the checkout."""
import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from tests.shared_data import DATA

_REAL = DATA / "voc2007-mini" / "JPEGImages" / "000019.jpg"
WIDTH, HEIGHT = 500, 375

# VOC2007's 000019: two cats.
BOXES = ((231, 88, 483, 256), (11, 113, 266, 259))


def annotation_text(name: str) -> str:
    objects = "".join(
        f"<object><name>cat</name><pose>Right</pose><truncated>0</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>\n"
        for xmin, ymin, xmax, ymax in BOXES)
    return (f"<annotation><folder>VOC2007</folder><filename>{name}.jpg</filename>\n"
            f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>\n{objects}</annotation>\n")


def picture_pixels() -> np.ndarray:
    """BGR uint8 [375, 500, 3]."""
    if _REAL.is_file():
        return cv2.imread(str(_REAL))
    coarse = np.random.default_rng(0).integers(0, 256, (15, 20, 3)).astype(np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def picture_bytes() -> bytes:
    return _REAL.read_bytes() if _REAL.is_file() else encoded(".jpg")


def encoded(suffix: str, pixels: np.ndarray | None = None, *parameters: int) -> bytes:
    return cv2.imencode(suffix, picture_pixels() if pixels is None else pixels, parameters)[1].tobytes()


def pillow(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """The picture as Pillow writes it, for what OpenCV cannot write."""
    buffer = io.BytesIO()
    Image.fromarray(picture_pixels()[..., ::-1]).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def make_voc_folder(folder: Path, *names: str) -> Path:
    """Samples of those names, each the same picture with two cats, and a list `all` of them."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for name in names:
        (folder / "Annotations" / f"{name}.xml").write_text(annotation_text(name))
        (folder / "JPEGImages" / f"{name}.jpg").write_bytes(picture_bytes())
    (folder / "ImageSets/Main/all.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


def digests(folder: Path) -> dict[str, str]:
    """What a folder's files hold, by their names."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


Damage = Callable[[Path], None]


class Fault(NamedTuple):
    """objects: how many of bad.xml's two are left, None if the picture is left out; kind: what must be found, None
    where nothing is amiss, although it looks so."""

    name: str
    damage: Damage
    kind: str | None
    objects: int | None = None


def in_xml(old: str, new: str, count: int = 1) -> Damage:
    """Replace text in bad.xml; the first time it stands there unless `count` says otherwise."""
    def damage(folder: Path) -> None:
        path = folder / "Annotations/bad.xml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count), encoding="utf-8")
    return damage


def whole_xml(change: Callable[[bytes], bytes]) -> Damage:
    """Replace bad.xml's bytes by a function of them."""
    def damage(folder: Path) -> None:
        path = folder / "Annotations/bad.xml"
        path.write_bytes(change(path.read_bytes()))
    return damage


def picture(change: Callable[[bytes], bytes], name: str = "bad.jpg") -> Damage:
    """Replace bad.jpg's bytes by a function of them, under another name if one is given."""
    def damage(folder: Path) -> None:
        path = folder / "JPEGImages/bad.jpg"
        data = path.read_bytes()
        path.unlink()
        (folder / "JPEGImages" / name).write_bytes(change(data))
    return damage


def both(*damages: Damage) -> Damage:
    def damage(folder: Path) -> None:
        for one in damages:
            one(folder)
    return damage


def exif_block(orientation: int, order: str = "<") -> bytes:
    """A TIFF block with one entry: the orientation."""
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def with_exif(data: bytes, orientation: int, order: str = "<") -> bytes:
    """A JPEG with an EXIF orientation."""
    body = b"Exif\0\0" + exif_block(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def patched(data: bytes, position: int, new: bytes) -> bytes:
    return data[:position] + new + data[position + len(new):]


def frame_position(data: bytes) -> int:
    """Where a baseline JPEG's frame header begins."""
    return data.index(b"\xff\xc0")


SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
SWAPPED = in_xml(f"<width>{WIDTH}</width><height>{HEIGHT}</height>", f"<width>{HEIGHT}</width><height>{WIDTH}</height>")
