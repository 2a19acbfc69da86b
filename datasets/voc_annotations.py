"""Read one PASCAL VOC annotation: the XML's text → class names, boxes in pixels, flags.

1. Parse safely: no entities, no document type, no network (`xml_unsafe`).
2. Read the stated size and file name, which the caller checks against the picture.
3. Read each object's name, box and flags; what is unusable is recorded as a finding and the object left out.

Not its job: the picture, the label map, relative coordinates (`samples`).
"""
import re
from typing import NamedTuple

from lxml import etree

from datasets.findings import Findings, Unusable
from tf_extended.files import composed

MAX_XML_BYTES = 16 * 2**20
COORDINATES = ("xmin", "ymin", "xmax", "ymax")
# Plain decimal numbers only: float() would also take '1_000', 'nan', 'infinity' and digits of other scripts. Of
# more digits than these it would make infinity.
_NUMBER = re.compile(r"[+-]?(\d{1,99}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_NOT_STATED = ("", "unspecified")
_FLAG_VALUES = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}


class VocObject(NamedTuple):
    """One object. number: its place in the file from 1; box: (xmin, ymin, xmax, ymax) in the file's pixels."""

    number: int
    name: str
    box: tuple[float, float, float, float]
    difficult: int
    truncated: int


class Annotation(NamedTuple):
    """What an annotation says. size: (width, height) or None where it is not usable; all_objects: how many it lists."""

    filename: str
    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]
    all_objects: int


def parse_annotation(data: bytes, found: Findings) -> Annotation:
    """Read an annotation's bytes.

    Objects that cannot be used are recorded in `found` and left out. Raises Unusable where the whole file is: not XML,
    unsafe, or not a VOC annotation.
    """
    root = _parse_safely(data)
    if root.tag != "annotation":
        raise Unusable("xml_not_voc", f"its root is <{root.tag}>, not <annotation>")
    elements = root.findall("object")
    objects = [_read_object(element, number, found) for number, element in enumerate(elements, 1)]
    if not elements:
        others = [child.tag for child in root if child.tag.lower() == "object"]
        found.add("no_object", f"but {len(others)} <{others[0]}>, which is not <object>" if others else "")
    return Annotation(_text(root, "filename"), _read_size(root), tuple(filter(None, objects)), len(elements))


def _parse_safely(data: bytes) -> etree._Element:
    if len(data) > MAX_XML_BYTES:
        raise Unusable("xml_unreadable", f"{len(data)} bytes are more than any annotation needs ({MAX_XML_BYTES})")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # libxml2 stops an entity bomb in an attribute by itself, with a syntax error.
        kind = "xml_unsafe" if "entit" in str(error).lower() and b"<!" in data else "xml_unparsable"
        raise Unusable(kind, str(error)) from None
    if root.getroottree().docinfo.doctype:
        raise Unusable("xml_unsafe", root.getroottree().docinfo.doctype)
    return root


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _read_size(root: etree._Element) -> tuple[int, int] | None:
    sides = [_text(root, f"size/{side}") for side in ("width", "height")]
    if not all(_NUMBER.fullmatch(side) and float(side) >= 1 for side in sides):
        return None
    return int(float(sides[0])), int(float(sides[1]))


def _read_object(element: etree._Element, number: int, found: Findings) -> VocObject | None:
    name = composed(_text(element, "name"))
    if not name:
        found.add("name_missing", number=number)
        return None
    box = _read_box(element, name, number, found)
    flags = [_read_flag(element, flag, number, found) for flag in ("difficult", "truncated")]
    if element.find("part") is not None:
        found.add("part_ignored", f"{len(element.findall('part'))} in {name}", number)
    if box is None or None in flags:
        return None
    return VocObject(number, name, box, *flags)


def _read_box(element: etree._Element, name: str, number: int, found: Findings) -> tuple[float, ...] | None:
    """The object's own <bndbox>, whatever boxes its parts have."""
    boxes = element.findall("bndbox")
    if not boxes:
        found.add("box_missing", name, number)
        return None
    if len(boxes) > 1 or any(len(boxes[0].findall(side)) > 1 for side in COORDINATES):
        found.add("box_ambiguous", name, number)
        return None
    texts = {side: _text(boxes[0], side) for side in COORDINATES}
    stated = ", ".join(f"{side}={text or '?'}" for side, text in texts.items())
    if "" in texts.values():
        found.add("coordinate_missing", f"{name} {stated}", number)
        return None
    if not all(_NUMBER.fullmatch(text) for text in texts.values()):
        found.add("coordinate_not_number", f"{name} {stated}", number)
        return None
    box = tuple(float(text) for text in texts.values())
    if not all(value.is_integer() for value in box):
        found.add("coordinate_float", f"{name} {stated}", number)
    return box


def _read_flag(element: etree._Element, flag: str, number: int, found: Findings) -> int | None:
    """0 or 1; a flag that is not stated is 0. An Element without children is falsy: compare its text, never itself."""
    text = _text(element, flag).lower()
    if text in _NOT_STATED:
        found.add("flag_missing", flag, number)
        return 0
    if text not in _FLAG_VALUES:
        found.add("flag_not_boolean", f"{flag}={text}", number)
        return None
    return _FLAG_VALUES[text]
