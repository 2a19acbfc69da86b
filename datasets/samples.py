"""Check one annotated picture and turn it into what is stored: relative boxes, class names, flags.

1. Read and parse the annotation (`voc_annotations`), find its picture, decode that strictly (`pictures`).
2. Compare the stated size with the picture's; decide which way an EXIF-turned picture is to be read.
3. Clip the boxes to the picture and make them relative: pixel / side, as the documented pipeline does.

Box contract: [N, 4] (ymin, xmin, ymax, xmax) relative to the image, in [0, 1]. Whether a class is known is decided
over the whole set (`pascalvoc_to_tfrecords`), not here.
"""
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets.findings import PICTURE, Finding, Findings, Unusable
from datasets.pictures import Picture, check_picture, reencode
from datasets.tfrecord_format import make_example
from datasets.voc_annotations import COORDINATES, MAX_XML_BYTES, Annotation, parse_annotation
from datasets.voc_folders import PICTURES, SampleFiles
from tf_extended.files import SUFFIXES

# Sides that differ by less than this share are somebody's counting from 0 or 1, not another scale.
SAME_SCALE = 0.02


class SampleObject(NamedTuple):
    """One object as it will be stored; box: (ymin, xmin, ymax, xmax) relative."""

    number: int
    name: str
    box: tuple[float, float, float, float]
    difficult: int
    truncated: int


class Sample(NamedTuple):
    """A checked sample. stamp: size and time of the picture's file when it was checked."""

    id: str
    annotation: Path
    path: Path
    picture: Picture
    objects: tuple[SampleObject, ...]
    stamp: tuple[int, int]


class ChangedError(RuntimeError):
    """A picture is no longer the one that was checked."""


def check_sample(files: SampleFiles) -> tuple[Sample | None, list[Finding]]:
    """Check one sample's files: (the sample, or None where it is unusable as a whole; everything found)."""
    about_xml = Findings(f"{files.annotation.parent.name}/{files.annotation.name}")
    about_picture = Findings(about_xml.file)
    try:
        annotation = read_annotation(files.annotation, about_xml)
        path = _choose_picture(files, annotation, about_xml)
        about_picture.file = f"{path.parent.name}/{path.name}"
    except Unusable as problem:
        about_xml.add(problem.kind, problem.detail)
        return None, about_xml
    try:
        stamp = _stamp(path)
        picture = check_picture(read_file(path, "picture_unreadable"), about_picture)
        picture = _settle_orientation(picture, annotation, about_picture)
    except Unusable as problem:
        about_picture.add(problem.kind, problem.detail)
        return None, about_xml + about_picture
    if SUFFIXES[path.suffix.lower()] != picture.format:
        about_picture.add("format_renamed", f"it is a {picture.format}")
    _compare_sizes(picture, annotation, about_xml)
    objects = _place_objects(annotation, picture, about_xml)
    if annotation.all_objects and not objects:  # it shows what the others are to be told apart from: no background
        about_xml.add("no_object_left")
    findings = about_xml + about_picture
    if any(finding.grade == PICTURE for finding in findings):
        return None, findings
    return Sample(files.id, files.annotation, path, picture, objects, stamp), findings


def class_names(annotation: Path) -> set[str]:
    """The class names in an annotation; none where it cannot be read, which `check_sample` reports."""
    try:
        return {thing.name for thing in read_annotation(annotation, Findings(annotation.name)).objects}
    except Unusable:
        return set()


def sample_example(sample: Sample, labels: tuple[str, ...]) -> bytes:
    """The sample's serialized tf.train.Example; its picture is read again, and ChangedError raised if it changed."""
    try:
        changed = _stamp(sample.path) != sample.stamp
    except Unusable:
        changed = True
    if changed:
        raise ChangedError(f"{sample.path} changed while it was being converted.")
    encoded = sample.path.read_bytes()
    picture = sample.picture
    if picture.reencode:
        encoded = reencode(encoded, picture)
    return make_example(
        encoded=encoded, image_format="PNG" if picture.reencode else picture.format,
        height=picture.height, width=picture.width, filename=sample.id,
        bboxes=[thing.box for thing in sample.objects],
        labels=[labels.index(thing.name) + 1 for thing in sample.objects],
        label_texts=[thing.name for thing in sample.objects],
        difficults=[thing.difficult for thing in sample.objects],
        truncateds=[thing.truncated for thing in sample.objects],
    ).SerializeToString(deterministic=True)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise Unusable("picture_unreadable", error.strerror) from None
    return status.st_size, status.st_mtime_ns


def read_annotation(path: Path, found: Findings) -> Annotation:
    """`parse_annotation` of a file; an Unusable too where it cannot be read."""
    return parse_annotation(read_file(path, "xml_unreadable", MAX_XML_BYTES + 1), found)


def read_file(path: Path, kind: str, most: int = -1) -> bytes:
    """The first `most` bytes of a file, all by default; an Unusable of that kind where it cannot be read to its end."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for whoever writes
            raise Unusable(kind, "it is no regular file")
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise Unusable(kind, error.strerror) from None


def _choose_picture(files: SampleFiles, annotation: Annotation, found: Findings) -> Path:
    """The picture of the annotation's name; where there is none or several, the one its <filename> names."""
    folder = files.annotation.parent.parent / PICTURES
    # Only the name counts: annotations carry other people's paths, with either kind of slash.
    stated = annotation.filename.replace("\\", "/").rpartition("/")[2]
    if len(files.pictures) == 1:
        return files.pictures[0]
    # A file system that tells accents as letters of their own from composed ones has it in either form.
    forms = [folder / stated, *(folder / unicodedata.normalize(form, stated) for form in ("NFC", "NFD"))]
    named = next((path for path in forms if path.suffix.lower() in SUFFIXES and _is_file(path)), None)
    if named:
        if not files.pictures:
            found.add("picture_by_filename", named.name)
        return named
    if not files.pictures:
        raise Unusable("picture_missing", f"no {folder.name}/{files.id} with a picture's ending")
    raise Unusable("picture_ambiguous", ", ".join(path.name for path in files.pictures))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than any file's
        return False


def _settle_orientation(picture: Picture, annotation: Annotation, found: Findings) -> Picture:
    """Turn the picture where the stated size shows that the boxes were drawn on the turned one.

    TensorFlow ignores EXIF. Orientations 5 to 8 swap the sides, so the stated size tells; 2 to 4 keep them, and for a
    square picture nothing tells: that would be a guess. Nor does anything for a TIFF, which programs disagree about.
    """
    if picture.orientation == 1:
        return picture
    stored, turned = (picture.width, picture.height), (picture.height, picture.width)
    clear = picture.orientation >= 5 and stored != turned and annotation.size in (stored, turned)
    if picture.format == "TIFF" or not clear:
        raise Unusable("orientation_unclear", f"orientation {picture.orientation}; turn the pixels or remove the tag")
    if annotation.size == stored:
        found.add("orientation_ignored", f"orientation {picture.orientation}")
        return picture._replace(orientation=1)
    found.add("orientation_applied", f"orientation {picture.orientation}")
    return picture._replace(width=turned[0], height=turned[1], reencode=True)


def _compare_sizes(picture: Picture, annotation: Annotation, found: Findings) -> None:
    sides = picture.width, picture.height
    if annotation.size is None:
        found.add("size_missing", f"the picture is {sides[0]}×{sides[1]}")
    elif annotation.size != sides:
        found.add("size_wrong", f"stated {annotation.size[0]}×{annotation.size[1]}, the picture is "
                                f"{sides[0]}×{sides[1]}")
        if _is_scaled(annotation.size, sides):
            found.add("size_scaled", f"×{sides[0] / annotation.size[0]:.3g}")


def _is_scaled(stated: tuple[int, int], sides: tuple[int, int]) -> bool:
    """Whether one factor, other than about 1, makes one of the other, within half a pixel of rounding."""
    slack = max(sum(stated), sum(sides)) / 2
    return abs(sides[0] * stated[1] - sides[1] * stated[0]) <= slack and abs(sides[0] / stated[0] - 1) > SAME_SCALE


def _place_objects(annotation: Annotation, picture: Picture, found: Findings) -> tuple[SampleObject, ...]:
    placed, seen = [], {}
    sides = picture.width, picture.height
    where = f"in {picture.width}×{picture.height}"
    if annotation.size not in (None, sides):
        where += f", where the annotation states {annotation.size[0]}×{annotation.size[1]}"
    for thing in annotation.objects:
        first = seen.setdefault((thing.name, thing.box), thing.number)
        if first != thing.number:
            found.add("object_repeated", f"{thing.name}, as object {first}", thing.number)
        stated = " ".join(f"{side}={value:g}" for side, value in zip(COORDINATES, thing.box, strict=True))
        xmin, ymin, xmax, ymax = thing.box
        clipped = max(xmin, 0.0), max(ymin, 0.0), min(xmax, sides[0]), min(ymax, sides[1])
        relative = _relative(clipped, sides)
        fault = _box_fault(thing.box, clipped, relative)
        if fault or clipped != thing.box:
            found.add(fault or "box_clipped", f"{thing.name} {stated} {where}", thing.number)
        if not fault and max(clipped) <= 1:
            found.add("box_in_a_pixel", f"{thing.name} {stated}", thing.number)
        if not fault:
            placed.append(SampleObject(thing.number, thing.name, relative, thing.difficult, thing.truncated))
    return tuple(placed)


def _box_fault(box: tuple[float, ...], clipped: tuple[float, ...], relative: tuple[float, ...]) -> str | None:
    """Why a box (xmin, ymin, xmax, ymax), `clipped` to the picture, marks nothing in it; None where it does.

    relative: what will be stored of it, in float32, where corners that are nearly alike become one.
    """
    xmin, ymin, xmax, ymax = box
    if xmin > xmax or ymin > ymax:
        return "box_inverted"
    if xmin == xmax or ymin == ymax:
        return "box_empty"
    if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
        return "box_outside"
    corners = np.float32(relative)
    return "box_empty" if (corners[:2] >= corners[2:]).any() else None


def _relative(box: tuple[float, ...], sides: tuple[int, int]) -> tuple[float, ...]:
    """(ymin, xmin, ymax, xmax): pixels by sides (width, height), as the documented pipeline does, without a shift."""
    return box[1] / sides[1], box[0] / sides[0], box[3] / sides[1], box[2] / sides[0]
