"""What can be wrong with an annotated picture, how grave each kind is, and what the converter does about it.

`KINDS` is the whole catalogue; the checks name kinds, and reports quote this table. Deciding whether to
go on is the converter's job, not made here.
"""
from collections.abc import Iterable
from typing import NamedTuple

PICTURE, OBJECT, REPAIR, NOTE = "picture", "object", "repair", "note"


class Kind(NamedTuple):
    """grade: PICTURE and OBJECT cannot be repaired; REPAIR changes what is stored; NOTE changes nothing."""

    grade: str
    meaning: str
    action: str


_LEFT_OUT, _OBJECT_OUT = "the picture is left out", "the object is left out"

KINDS = {
    "xml_missing": Kind(PICTURE, "listed in the split, but it has no annotation", _LEFT_OUT),
    "xml_unreadable": Kind(PICTURE, "the annotation cannot be read", _LEFT_OUT),
    "xml_unparsable": Kind(PICTURE, "the annotation is not well-formed XML", _LEFT_OUT),
    "xml_unsafe": Kind(PICTURE, "the annotation declares a document type or entities, which is refused", _LEFT_OUT),
    "xml_not_voc": Kind(PICTURE, "the XML is not a VOC annotation", _LEFT_OUT),
    "name_unusable": Kind(PICTURE, "the file's name is not UTF-8", _LEFT_OUT),
    "duplicate_id": Kind(PICTURE, "two annotations have this name", _LEFT_OUT),
    "picture_missing": Kind(PICTURE, "the annotation has no picture", _LEFT_OUT),
    "picture_ambiguous": Kind(PICTURE, "several pictures have the annotation's name", _LEFT_OUT),
    "picture_shared": Kind(PICTURE, "another annotation describes the same picture", _LEFT_OUT),
    "picture_unreadable": Kind(PICTURE, "the picture cannot be read", _LEFT_OUT),
    "picture_unknown": Kind(PICTURE, "not a picture of a known format", _LEFT_OUT),
    "picture_animated": Kind(PICTURE, "the file holds several pictures", _LEFT_OUT),
    "picture_too_large": Kind(PICTURE, "the picture is too large to be decoded safely", _LEFT_OUT),
    "picture_undecodable": Kind(PICTURE, "the picture does not decode", _LEFT_OUT),
    "picture_cut": Kind(PICTURE, "part of the picture's data is missing", _LEFT_OUT),
    "orientation_unclear": Kind(PICTURE, "an EXIF tag turns the picture, and nothing tells which way the boxes were "
                                "drawn", _LEFT_OUT),
    "no_object_left": Kind(PICTURE, "none of the picture's objects is usable", _LEFT_OUT),
    "name_missing": Kind(OBJECT, "the object has no class name", _OBJECT_OUT),
    "class_unknown": Kind(OBJECT, "the class is not in the label map", _OBJECT_OUT),
    "box_missing": Kind(OBJECT, "the object has no box", _OBJECT_OUT),
    "box_ambiguous": Kind(OBJECT, "the object has several boxes or a coordinate twice", _OBJECT_OUT),
    "coordinate_missing": Kind(OBJECT, "a coordinate is missing", _OBJECT_OUT),
    "coordinate_not_number": Kind(OBJECT, "a coordinate is not a number", _OBJECT_OUT),
    "box_inverted": Kind(OBJECT, "the box is inside out", _OBJECT_OUT),
    "box_outside": Kind(OBJECT, "the box lies outside the picture", _OBJECT_OUT),
    "flag_not_boolean": Kind(OBJECT, "a flag is neither 0 nor 1", _OBJECT_OUT),
    "box_empty": Kind(REPAIR, "the box has no width or no height", "it marks nothing: left out"),
    "box_clipped": Kind(REPAIR, "the box reaches beyond the picture", "clipped to the picture"),
    "size_wrong": Kind(REPAIR, "the stated size is not the picture's", "taken from the picture"),
    "size_missing": Kind(REPAIR, "no usable size is stated", "taken from the picture"),
    "flag_missing": Kind(REPAIR, "a flag is not stated", "taken as 0"),
    "format_renamed": Kind(REPAIR, "the picture's format is not what its name says", "stored as what it is"),
    "format_converted": Kind(REPAIR, "neither JPEG nor PNG", "stored as PNG"),
    "cmyk_converted": Kind(REPAIR, "the JPEG's colours are CMYK", "stored as RGB in a PNG"),
    "orientation_applied": Kind(REPAIR, "an EXIF tag turns the picture, and the stated size is that of the turned one",
                                "stored turned, as PNG"),
    "picture_by_filename": Kind(REPAIR, "no picture has the annotation's name", "found by its <filename>"),
    "id_repeated": Kind(REPAIR, "the split lists it more than once", "taken once"),
    "orientation_ignored": Kind(NOTE, "an EXIF tag turns the picture, but the stated size is that of the stored pixels",
                                "the tag is ignored, as by TensorFlow"),
    "size_scaled": Kind(NOTE, "the stated size is the picture's at another scale", "boxes are read as the picture's "
                        "pixels; look at them (--browse), for they are wrong if it was resized after it was annotated"),
    "box_in_a_pixel": Kind(NOTE, "the box is within the first pixel; are its numbers shares of the sides?", "kept"),
    "no_object": Kind(NOTE, "the annotation has no object", "kept, as a picture of background"),
    "class_absent": Kind(NOTE, "the picture has none of a class that nearly all others have",
                         "kept; look whether it was forgotten (--browse)"),
    "object_size_odd": Kind(NOTE, "the object is far larger or smaller than others of its class",
                            "kept; look whether its name and box are right"),
    "order_by_class": Kind(NOTE, "pictures of the same classes lie together in the order of their names",
                           "kept; for a training convert with --shuffle, or it sees one class after the other"),
    "coordinate_float": Kind(NOTE, "a coordinate is not a whole number", "kept as it is"),
    "part_ignored": Kind(NOTE, "the object has <part> boxes", "ignored, as by VOC"),
    "object_repeated": Kind(NOTE, "the same object is there twice", "kept"),
    "picture_damaged": Kind(NOTE, "the JPEG's data is damaged in places", "kept, as its decoder fills it in"),
    "picture_grey": Kind(NOTE, "the picture is grey", "read as RGB"),
    "picture_alpha": Kind(NOTE, "the picture has an alpha channel", "read without it"),
    "picture_16bit": Kind(NOTE, "the picture has 16 bits a channel", "the upper 8 are read"),
    "picture_unannotated": Kind(NOTE, "the picture has no annotation", "not converted"),
    "xml_deeper": Kind(NOTE, "a folder within Annotations holds annotations", "not looked for; move them up if they "
                       "belong to the set"),
}


class Finding(NamedTuple):
    """One thing found. `file`: relative to the VOC folder; `object`: its place in the annotation from 1, or None."""

    kind: str
    file: str
    object: int | None
    detail: str

    @property
    def grade(self) -> str:
        """How grave it is: PICTURE, OBJECT, REPAIR or NOTE."""
        return KINDS[self.kind].grade

    @property
    def place(self) -> str:
        """The file, and which of its objects if it is about one."""
        return self.file if self.object is None else f"{self.file}, object {self.object}"

    def __str__(self) -> str:
        return f"{self.place}: {KINDS[self.kind].meaning}" + (f": {self.detail}" if self.detail else "")


class Unusable(Exception):  # noqa: N818 — what it carries is a finding, not a failure of the program
    """Raised by a check when the whole picture cannot be used; becomes a Finding of grade PICTURE."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail


class Findings(list):
    """The findings about one file, collected by the checks."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def add(self, kind: str, detail: str = "", number: int | None = None) -> None:
        """Record a finding of a kind of KINDS about the file, or about its object `number` (from 1)."""
        self.append(Finding(kind, self.file, number, detail))


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that cannot be repaired; `no_object_left` only where it does not follow from others about the same file."""
    bad = [finding for finding in findings if finding.grade in (PICTURE, OBJECT)]
    explained = {finding.file for finding in bad if finding.grade == OBJECT}
    return [finding for finding in bad if finding.kind != "no_object_left" or finding.file not in explained]
