"""The catalogue of damaged input: a name, the damage, what must be found, how many of the two objects are left.

None for the objects: the picture is left out. None for the kind: nothing is amiss, although it looks so.
"""
import io
import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from tests.datasets.voc_cases import (
    HEIGHT,
    WIDTH,
    Damage,
    both,
    encoded,
    exif_block,
    frame_position,
    in_xml,
    patched,
    picture,
    picture_pixels,
    whole_xml,
    with_exif,
)


class Fault(NamedTuple):
    name: str
    damage: Damage
    kind: str | None
    objects: int | None = None


def _pil(kind: str, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture_pixels()[..., ::-1]).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _animated_gif(_: bytes) -> bytes:
    return _pil("GIF", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])


def _doctype(declarations: str, use: str = "") -> Damage:
    def change(data: bytes) -> bytes:
        head = f'<?xml version="1.0"?><!DOCTYPE annotation {declarations}>'
        return head.encode() + data.replace(b"<folder>", f"<folder>{use}".encode(), 1)
    return whole_xml(change)


def _laughs() -> str:
    levels = ['<!ENTITY l0 "ha">'] + [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return f"[{''.join(levels)}]"


def _folder(change) -> Damage:
    return lambda folder: change(folder)


def _as_folder(folder: Path) -> None:
    (folder / "JPEGImages/bad.jpg").unlink()
    (folder / "JPEGImages/bad.jpg").mkdir()


def _dangling(folder: Path) -> None:
    (folder / "JPEGImages/bad.jpg").unlink()
    (folder / "JPEGImages/bad.jpg").symlink_to("nowhere.jpg")


def _rename_picture(name: str) -> Damage:
    return lambda folder: (folder / "JPEGImages/bad.jpg").rename(folder / "JPEGImages" / name)


def _share(folder: Path) -> None:
    (folder / "JPEGImages/bad.jpg").unlink()
    in_xml("bad.jpg", "good.jpg")(folder)


def _flip(position: float):
    def change(data: bytes) -> bytes:
        place = int(len(data) * position)
        return patched(data, place, bytes([data[place] ^ 0xFF]))
    return change


def _png(_: bytes) -> bytes:
    return encoded(".png")


def _png_with_exif(_: bytes) -> bytes:
    png, block = encoded(".png"), exif_block(6, ">")
    chunk = len(block).to_bytes(4, "big") + b"eXIf" + block + _crc(b"eXIf" + block)
    return png[:33] + chunk + png[33:]


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _png_bomb(_: bytes) -> bytes:
    png = patched(encoded(".png"), 16, (60000).to_bytes(4, "big") * 2)
    return patched(png, 29, _crc(png[12:29]))


def _jpeg_bomb(data: bytes) -> bytes:
    return patched(data, frame_position(data) + 5, (65000).to_bytes(2, "big") * 2)


SWAPPED = in_xml(f"<width>{WIDTH}</width><height>{HEIGHT}</height>", f"<width>{HEIGHT}</width><height>{WIDTH}</height>")
SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
NO_BOXES = both(in_xml("<xmax>483</xmax>", "<xmax>NaN</xmax>"), in_xml("<xmax>266</xmax>", "<xmax>NaN</xmax>"))
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
    Fault("a folder", _folder(lambda folder: ((folder / "Annotations/bad.xml").unlink(),
                                              (folder / "Annotations/bad.xml").mkdir())), "xml_unreadable"),
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
    Fault("difficult is 2", in_xml("<difficult>0", "<difficult>2"), "flag_not_boolean", 1),
    Fault("truncated is perhaps", in_xml("<truncated>0", "<truncated>perhaps"), "flag_not_boolean", 1),
    Fault("no object is usable", NO_BOXES, "no_object_left"),
    Fault("no width", in_xml("<xmin>231", "<xmin>483"), "box_empty", 1),
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
    Fault("sides swapped", SWAPPED, "size_wrong", 2),
    Fault("size too small for the boxes", in_xml(f"<width>{WIDTH}", "<width>100"), "size_wrong", 2),
)

PICTURE_FAULTS = (
    Fault("no picture", _folder(lambda folder: (folder / "JPEGImages/bad.jpg").unlink()), "picture_missing"),
    Fault("<filename> leads out of the folder", both(
        _rename_picture("../outside.jpg"), in_xml("bad.jpg", "../outside.jpg")), "picture_missing"),
    Fault("a folder of that name", _as_folder, "picture_unreadable"),
    Fault("a dangling link", _dangling, "picture_unreadable"),
    Fault("two pictures of that name", both(_folder(lambda folder: (folder / "JPEGImages/bad.png").write_bytes(
        encoded(".png"))), in_xml("bad.jpg", "other.jpg")), "picture_ambiguous"),
    Fault("another annotation's picture", _share, "picture_shared"),
    Fault("empty", picture(lambda _: b""), "picture_unknown"),
    Fault("text", picture(lambda _: b"no picture"), "picture_unknown"),
    Fault("a web page", picture(lambda _: b"<html>404 not found</html>"), "picture_unknown"),
    Fault("zeros", picture(lambda data: bytes(len(data))), "picture_unknown"),
    Fault("HEIC", picture(lambda _: b"\0\0\0\x18ftypheic" + bytes(99)), "picture_unknown"),
    Fault("two bytes short", picture(lambda data: data[:-2]), "picture_undecodable"),
    Fault("half a JPEG", picture(lambda data: data[:len(data) // 2]), "picture_undecodable"),
    Fault("the head of a JPEG", picture(lambda data: data[:120]), "picture_undecodable"),
    Fault("half a progressive JPEG", picture(lambda _: encoded(
        ".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[:9000]), "picture_undecodable"),
    Fault("half a JPEG with an end mark", picture(lambda data: data[:len(data) // 2] + b"\xff\xd9"), "picture_cut"),
    Fault("a frame that claims another coding", picture(lambda data: patched(data, frame_position(data), b"\xff\xc9")),
          "picture_damaged", 2),
    Fault("lossless JPEG", picture(lambda data: patched(data, frame_position(data), b"\xff\xc3")),
          "picture_undecodable"),
    Fault("12-bit JPEG", picture(lambda data: patched(data, frame_position(data) + 4, b"\x0c")),
          "picture_undecodable"),
    Fault("half a PNG", picture(lambda data: _png(data)[:9000], "bad.png"), "picture_undecodable"),
    Fault("a PNG without its end", picture(lambda data: _png(data)[:-12], "bad.png"), "picture_undecodable"),
    Fault("a damaged byte in a PNG", picture(lambda data: _flip(.5)(_png(data)), "bad.png"), "picture_undecodable"),
    Fault("a damaged PNG header", picture(lambda data: patched(_png(data), 17, b"\7"), "bad.png"),
          "picture_undecodable"),
    Fault("PNG bomb", picture(_png_bomb, "bad.png"), "picture_too_large"),
    Fault("JPEG bomb", picture(_jpeg_bomb), "picture_too_large"),
    Fault("an animated GIF", picture(_animated_gif, "bad.gif"), "picture_animated"),
    Fault("half a BMP", picture(lambda _: encoded(".bmp")[:40], "bad.bmp"), "picture_undecodable"),
    Fault("half a WebP", picture(lambda _: encoded(".webp")[:60], "bad.webp"), "picture_undecodable"),
    Fault("EXIF half turn", picture(lambda data: with_exif(data, 3)), "orientation_unclear"),
    Fault("EXIF quarter turn, size unstated", both(picture(lambda data: with_exif(data, 6)), in_xml(SIZE, "")),
          "orientation_unclear"),
    Fault("EXIF mirrored", picture(lambda data: with_exif(data, 2, ">")), "orientation_unclear"),
    Fault("EXIF quarter turn, size of the stored", picture(lambda data: with_exif(data, 6)), "orientation_ignored", 2),
    Fault("EXIF quarter turn, size of the turned", both(picture(lambda data: with_exif(data, 8, ">")), SWAPPED),
          "orientation_applied", 2),
    Fault("EXIF in a PNG", both(picture(_png_with_exif, "bad.png"), SWAPPED), "orientation_applied", 2),
    Fault("damaged EXIF", picture(lambda data: with_exif(data, 6).replace(b"II*\0\x08", b"II*\0\xff", 1)), None, 2),
    Fault("EXIF of no meaning", picture(lambda data: with_exif(data, 77)), None, 2),
    Fault("PNG called .jpg", picture(_png), "format_renamed", 2),
    Fault("JPEG called .png", picture(lambda data: data, "bad.png"), "format_renamed", 2),
    Fault("WebP called .jpg", picture(lambda _: encoded(".webp")), "format_renamed", 2),
    Fault("BMP", picture(lambda _: encoded(".bmp"), "bad.bmp"), "format_converted", 2),
    Fault("WebP", picture(lambda _: encoded(".webp"), "bad.webp"), "format_converted", 2),
    Fault("TIFF", picture(lambda _: encoded(".tiff"), "bad.tif"), "format_converted", 2),
    Fault("GIF", picture(lambda _: _pil("GIF"), "bad.gif"), "format_converted", 2),
    Fault("CMYK", picture(lambda _: _pil("JPEG", "CMYK")), "cmyk_converted", 2),
    Fault("grey JPEG", picture(lambda _: _pil("JPEG", "L")), "picture_grey", 2),
    Fault("grey PNG", picture(lambda _: _pil("PNG", "L"), "bad.png"), "picture_grey", 2),
    Fault("two-colour PNG", picture(lambda _: _pil("PNG", "1"), "bad.png"), "picture_grey", 2),
    Fault("alpha", picture(lambda _: _pil("PNG", "RGBA"), "bad.png"), "picture_alpha", 2),
    Fault("grey with alpha", picture(lambda _: _pil("PNG", "LA"), "bad.png"), "picture_alpha", 2),
    Fault("16 bits", picture(lambda _: encoded(".png", picture_pixels().astype(np.uint16) * 257), "bad.png"),
          "picture_16bit", 2),
    Fault("palette PNG", picture(lambda _: _pil("PNG", "P"), "bad.png"), None, 2),
    Fault("progressive JPEG", picture(lambda _: encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), None, 2),
    Fault("bytes before the end mark", picture(lambda data: data[:-2] + b"x" * 500 + data[-2:]), "picture_damaged", 2),
    Fault("bytes after the end", picture(lambda data: data + b"x" * 500), None, 2),
    Fault(".JPG", _rename_picture("bad.JPG"), None, 2),
    Fault("found by <filename>", both(_rename_picture("other name.jpg"), in_xml("bad.jpg", "C:\\me\\other name.jpg")),
          "picture_by_filename", 2),
    Fault("two pictures, <filename> tells which", _folder(lambda folder: shutil.copy(
        folder / "JPEGImages/bad.jpg", folder / "JPEGImages/bad.png")), None, 2),
    Fault("two annotations of that name", _folder(lambda folder: shutil.copy(
        folder / "Annotations/bad.xml", folder / "Annotations/bad.XML")), "duplicate_id"),
)

FAULTS = XML_FAULTS + OBJECT_FAULTS + PICTURE_FAULTS
