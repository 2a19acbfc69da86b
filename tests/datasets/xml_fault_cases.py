"""Damaged annotations: see fault_cases."""
import os

import numpy as np

from tests.datasets.voc_cases import HEIGHT, SIZE, SWAPPED, WIDTH, Damage, Fault, both, encoded, in_xml, whole_xml


def _as_folder(folder):
    (folder / "Annotations/bad.xml").unlink()
    (folder / "Annotations/bad.xml").mkdir()


def _as_pipe(folder):
    (folder / "Annotations/bad.xml").unlink()
    os.mkfifo(folder / "Annotations/bad.xml")


def _doctype(declarations: str, use: str = "") -> Damage:
    def change(data: bytes) -> bytes:
        head = f'<?xml version="1.0"?><!DOCTYPE annotation {declarations}>'
        return head.encode() + data.replace(b"<folder>", f"<folder>{use}".encode(), 1)
    return whole_xml(change)


def _laughs() -> str:
    levels = ['<!ENTITY l0 "ha">'] + [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return f"[{''.join(levels)}]"


NO_BOXES = both(in_xml("<xmax>483</xmax>", "<xmax>NaN</xmax>"), in_xml("<xmax>266</xmax>", "<xmax>NaN</xmax>"))
EMPTY_BOXES = both(in_xml("<xmin>231", "<xmin>483"), in_xml("<xmin>11", "<xmin>266"))
_OBJECT_1 = ("<bndbox><xmin>231</xmin><ymin>88</ymin><xmax>483</xmax><ymax>256</ymax></bndbox>")
_PART = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"

XML_FAULTS = (
    Fault("empty file", whole_xml(lambda _: b""), "xml_unparsable"),
    Fault("plain text", whole_xml(lambda _: b"cat 1 2 3 4\n"), "xml_unparsable"),
    Fault("cut in the middle", whole_xml(lambda data: data[:len(data) // 2]), "xml_unparsable"),
    Fault("last bytes missing", whole_xml(lambda data: data[:-8]), "xml_unparsable"),
    Fault("unclosed tag", in_xml("</object>", ""), "xml_unparsable"),
    Fault("two roots", whole_xml(lambda data: data + data), "xml_unparsable"),
    Fault("random bytes", whole_xml(lambda _: np.random.default_rng(1).bytes(999)), "xml_unparsable"),
    Fault("a JPEG as annotation", whole_xml(lambda _: encoded(".jpg")), "xml_unparsable"),
    Fault("a byte that is not UTF-8", whole_xml(lambda data: data.replace(b"VOC2007", b"caf\xe9")), "xml_unparsable"),
    Fault("NUL bytes", whole_xml(lambda data: data.replace(b"VOC2007", b"\0\0")), "xml_unparsable"),
    Fault("a bare ampersand", in_xml("VOC2007", "cats & dogs"), "xml_unparsable"),
    Fault("a JSON annotation", whole_xml(lambda _: b'{"boxes": []}'), "xml_unparsable"),
    Fault("nested 5000 deep", whole_xml(lambda _: b"<a>" * 5000), "xml_unparsable"),
    Fault("20 MB", whole_xml(lambda data: data + b" " * 20_000_000), "xml_unreadable"),
    Fault("a folder", _as_folder, "xml_unreadable"),
    Fault("a pipe as annotation", _as_pipe, "xml_unreadable"),
    Fault("a side of 400 digits", in_xml(f"<width>{WIDTH}", f"<width>{'9' * 400}"), "size_missing", 2),
    Fault("billion laughs", _doctype(_laughs(), "&l9;"), "xml_unsafe"),
    Fault("billion laughs in an attribute",
          both(_doctype(_laughs()), in_xml("<folder>", '<folder a="&l9;">')), "xml_unsafe"),
    Fault("quadratic blow-up", _doctype(f'[<!ENTITY a "{"a" * 50000}">]', "&a;" * 5000), "xml_unsafe"),
    Fault("external entity", _doctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]', "&x;"), "xml_unsafe"),
    Fault("external entity over the network", _doctype('[<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]', "&x;"),
          "xml_unsafe"),
    Fault("external DTD", _doctype('SYSTEM "file:///etc/passwd"'), "xml_unsafe"),
    Fault("parameter entity", _doctype('[<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]'), "xml_unsafe"),
    Fault("undeclared entity", in_xml("VOC2007", "&nbsp;"), "xml_unparsable"),
    Fault("another root", both(in_xml("<annotation>", "<html>"), in_xml("</annotation>", "</html>")), "xml_not_voc"),
    Fault("a namespace", in_xml("<annotation>", '<annotation xmlns="http://x.org/y">'), "xml_not_voc"),
    Fault("UTF-16", whole_xml(lambda data: data.decode().encode("utf-16")), None, 2),
    Fault("BOM and CRLF", whole_xml(lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")), None, 2),
    Fault("a comment inside a number", in_xml("231", "2<!-- three -->31"), None, 2),
    Fault("blanks around numbers", in_xml("<xmin>231", "<xmin>\n  231\t"), None, 2),
)

OBJECT_FAULTS = (
    Fault("no name", in_xml("<name>cat</name>", ""), "name_missing", 1),
    Fault("empty name", in_xml("<name>cat", "<name> "), "name_missing", 1),
    Fault("unknown class", in_xml("<name>cat", "<name>unicorn"), "class_unknown", 1),
    Fault("class in capitals", in_xml("<name>cat", "<name>Cat"), "class_unknown", 1),
    Fault("the background as a class", in_xml("<name>cat", "<name>none"), "class_unknown", 1),
    Fault("no box", in_xml(_OBJECT_1, ""), "box_missing", 1),
    Fault("only a part has a box", in_xml(_OBJECT_1, _PART), "box_missing", 1),
    Fault("two boxes", in_xml(_OBJECT_1, _OBJECT_1 * 2), "box_ambiguous", 1),
    Fault("a coordinate twice", in_xml("<xmin>231</xmin>", "<xmin>231</xmin><xmin>9</xmin>"), "box_ambiguous", 1),
    Fault("no xmin", in_xml("<xmin>231</xmin>", ""), "coordinate_missing", 1),
    Fault("empty ymax", in_xml("<ymax>256", "<ymax>"), "coordinate_missing", 1),
    Fault("a coordinate of 400 digits", in_xml("<xmax>483", f"<xmax>{'9' * 400}"), "coordinate_not_number", 1),
    *(Fault(f"coordinate {text!r}", in_xml("<xmin>231", f"<xmin>{text}"), "coordinate_not_number", 1)
      for text in ("nan", "NaN", "inf", "-Infinity", "left", "231,5", "2_31", "0xE7", "٢٣١", "23 1", "1e999", "--1")),
    Fault("inverted in x", in_xml("<xmin>231", "<xmin>490"), "box_inverted", 1),
    Fault("inverted in y", in_xml("<ymax>256", "<ymax>3"), "box_inverted", 1),
    Fault("right of the picture", both(in_xml("<xmin>231", "<xmin>510"), in_xml("<xmax>483", "<xmax>600")),
          "box_outside", 1),
    Fault("above the picture", both(in_xml("<ymin>88", "<ymin>-50"), in_xml("<ymax>256", "<ymax>-1")),
          "box_outside", 1),
    Fault("begins at the far edge", both(in_xml("<xmin>231", "<xmin>500"), in_xml("<xmax>483", "<xmax>505")),
          "box_outside", 1),
    Fault("relative coordinates", in_xml(_OBJECT_1, "<bndbox><xmin>0.462</xmin><ymin>0.235</ymin><xmax>0.966</xmax>"
                                         "<ymax>0.683</ymax></bndbox>"), "box_in_a_pixel", 2),
    Fault("difficult is 2", in_xml("<difficult>0", "<difficult>2"), "flag_not_boolean", 1),
    Fault("truncated is perhaps", in_xml("<truncated>0", "<truncated>perhaps"), "flag_not_boolean", 1),
    Fault("no object is usable", NO_BOXES, "no_object_left"),
    Fault("every box is empty", EMPTY_BOXES, "no_object_left"),
    Fault("no width", in_xml("<xmin>231", "<xmin>483"), "box_empty", 1),
    Fault("no width in float32", in_xml("<xmin>231", "<xmin>482.9999999"), "box_empty", 1),
    Fault("no height", in_xml("<ymin>88", "<ymin>256"), "box_empty", 1),
    Fault("a pixel beyond the edge", in_xml("<xmax>483", "<xmax>501"), "box_clipped", 2),
    Fault("negative", in_xml("<xmin>231", "<xmin>-5"), "box_clipped", 2),
    Fault("far beyond every edge", both(in_xml("<xmin>231", "<xmin>-1e30"), in_xml("<ymax>256", "<ymax>1e30")),
          "box_clipped", 2),
    Fault("no difficult", in_xml("<difficult>0</difficult>", ""), "flag_missing", 2),
    Fault("no truncated", in_xml("<truncated>0</truncated>", ""), "flag_missing", 2),
    Fault("truncated Unspecified", in_xml("<truncated>0", "<truncated>Unspecified"), "flag_missing", 2),
    Fault("floats", in_xml("<xmin>231", "<xmin>231.25"), "coordinate_float", 2),
    Fault("parts", in_xml("</bndbox></object>", f"</bndbox>{_PART}</object>"), "part_ignored", 2),
    Fault("the same object twice", both(in_xml(_OBJECT_1, "@"), in_xml(
        "<bndbox><xmin>11</xmin><ymin>113</ymin><xmax>266</xmax><ymax>259</ymax></bndbox>", _OBJECT_1),
        in_xml("@", _OBJECT_1)), "object_repeated", 2),
    Fault("no object", whole_xml(lambda data: data[:data.index(b"<object>")] + b"</annotation>"), "no_object", 0),
    Fault("size 0", in_xml(f"<width>{WIDTH}", "<width>0"), "size_missing", 2),
    Fault("negative size", in_xml(f"<height>{HEIGHT}", "<height>-375"), "size_missing", 2),
    Fault("size in words", in_xml(f"<width>{WIDTH}", "<width>wide"), "size_missing", 2),
    Fault("no size", in_xml(SIZE, ""), "size_missing", 2),
    Fault("twice the size", in_xml(f"<width>{WIDTH}</width><height>{HEIGHT}</height>",
                                   f"<width>{WIDTH // 2}</width><height>{HEIGHT // 2}</height>"), "size_scaled", 2),
    Fault("sides swapped", SWAPPED, "size_wrong", 2),
    Fault("size too small for the boxes", in_xml(f"<width>{WIDTH}", "<width>100"), "size_wrong", 2),
)
