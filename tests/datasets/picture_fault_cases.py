"""Damaged, odd and missing pictures: see fault_cases."""
import os
import shutil
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.datasets.voc_cases import (
    HEIGHT,
    SIZE,
    SWAPPED,
    WIDTH,
    Damage,
    Fault,
    both,
    encoded,
    exif_block,
    frame_position,
    in_xml,
    patched,
    picture,
    picture_pixels,
    pillow,
    with_exif,
)


def _animated_gif(_: bytes) -> bytes:
    return pillow("GIF", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])


def _as_folder(folder: Path) -> None:
    (folder / "JPEGImages/bad.jpg").unlink()
    (folder / "JPEGImages/bad.jpg").mkdir()


def _as_pipe(folder: Path) -> None:
    (folder / "JPEGImages/bad.jpg").unlink()
    os.mkfifo(folder / "JPEGImages/bad.jpg")


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


def _png_with_exif(place: int) -> bytes:
    png, block = encoded(".png"), exif_block(6, ">")
    chunk = len(block).to_bytes(4, "big") + b"eXIf" + block + _crc(b"eXIf" + block)
    return png[:place] + chunk + png[place:]


def _other_progression(_: bytes) -> bytes:
    """A scan that claims to bring all bits of its coefficients, while the last of them come in another scan."""
    data = encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scans = [place for place in range(len(data)) if data[place:place + 5] == b"\xff\xda\0\x08\1"]
    bits = scans[0] + 9
    assert data[bits - 2] == 1 and data[bits] in (1, 2)
    return patched(data, bits, b"\0")


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _png_bomb(_: bytes) -> bytes:
    png = patched(encoded(".png"), 16, (60000).to_bytes(4, "big") * 2)
    return patched(png, 29, _crc(png[12:29]))


def _jpeg_bomb(data: bytes) -> bytes:
    return patched(data, frame_position(data) + 5, (65000).to_bytes(2, "big") * 2)


def _tiff_bomb(_: bytes) -> bytes:
    sides = [struct.pack("<HHII", tag, 4, 1, 60000) for tag in (0x0100, 0x0101)]
    return b"II*\0" + struct.pack("<IH", 8, len(sides)) + b"".join(sides) + bytes(4)


PICTURE_FAULTS = (
    Fault("no picture", (lambda folder: (folder / "JPEGImages/bad.jpg").unlink()), "picture_missing"),
    Fault("<filename> leads out of the folder", both(
        _rename_picture("../outside.jpg"), in_xml("bad.jpg", "../outside.jpg")), "picture_missing"),
    Fault("a folder of that name", _as_folder, "picture_unreadable"),
    Fault("a pipe", _as_pipe, "picture_unreadable"),
    Fault("<filename> longer than any file's", both(
        (lambda folder: (folder / "JPEGImages/bad.jpg").unlink()), in_xml("bad.jpg", f"{'q' * 300}.jpg")),
        "picture_missing"),
    Fault("a dangling link", _dangling, "picture_unreadable"),
    Fault("two pictures of that name", both((lambda folder: (folder / "JPEGImages/bad.png").write_bytes(
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
    Fault("a progressive JPEG of another progression", picture(_other_progression), "picture_damaged", 2),
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
    Fault("BMP bomb", picture(lambda _: patched(encoded(".bmp"), 18, (60000).to_bytes(4, "little") * 2), "bad.bmp"),
          "picture_too_large"),
    Fault("WebP bomb", picture(lambda _: b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) +
                               (59999).to_bytes(3, "little") * 2, "bad.webp"), "picture_too_large"),
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
    Fault("EXIF in a PNG", both(picture(lambda _: _png_with_exif(33), "bad.png"), SWAPPED), "orientation_applied", 2),
    Fault("EXIF behind a PNG's pixels", both(picture(lambda _: _png_with_exif(-12), "bad.png"), SWAPPED),
          "orientation_applied", 2),
    Fault("damaged EXIF", picture(lambda data: with_exif(data, 6).replace(b"II*\0\x08", b"II*\0\xff", 1)), None, 2),
    Fault("EXIF of no meaning", picture(lambda data: with_exif(data, 77)), None, 2),
    Fault("PNG called .jpg", picture(_png), "format_renamed", 2),
    Fault("JPEG called .png", picture(lambda data: data, "bad.png"), "format_renamed", 2),
    Fault("WebP called .jpg", picture(lambda _: encoded(".webp")), "format_renamed", 2),
    Fault("BMP", picture(lambda _: encoded(".bmp"), "bad.bmp"), "format_converted", 2),
    Fault("WebP", picture(lambda _: encoded(".webp"), "bad.webp"), "format_converted", 2),
    Fault("a TIFF upside down", picture(lambda _: pillow("TIFF", tiffinfo={274: 3}), "bad.tif"), "orientation_unclear"),
    Fault("a TIFF turned", both(picture(lambda _: pillow("TIFF", tiffinfo={274: 6}), "bad.tif"), SWAPPED),
          "orientation_unclear"),
    Fault("TIFF bomb", picture(_tiff_bomb, "bad.tif"), "picture_too_large"),
    Fault("a TIFF of 16 bits", picture(lambda _: encoded(".tiff", picture_pixels().astype(np.uint16) * 257), "bad.tif"),
          "picture_16bit", 2),
    Fault("TIFF", picture(lambda _: encoded(".tiff"), "bad.tif"), "format_converted", 2),
    Fault("GIF", picture(lambda _: pillow("GIF"), "bad.gif"), "format_converted", 2),
    Fault("CMYK", picture(lambda _: pillow("JPEG", "CMYK")), "cmyk_converted", 2),
    Fault("grey JPEG", picture(lambda _: pillow("JPEG", "L")), "picture_grey", 2),
    Fault("grey PNG", picture(lambda _: pillow("PNG", "L"), "bad.png"), "picture_grey", 2),
    Fault("two-colour PNG", picture(lambda _: pillow("PNG", "1"), "bad.png"), "picture_grey", 2),
    Fault("alpha", picture(lambda _: pillow("PNG", "RGBA"), "bad.png"), "picture_alpha", 2),
    Fault("grey with alpha", picture(lambda _: pillow("PNG", "LA"), "bad.png"), "picture_alpha", 2),
    Fault("16 bits", picture(lambda _: encoded(".png", picture_pixels().astype(np.uint16) * 257), "bad.png"),
          "picture_16bit", 2),
    Fault("palette PNG", picture(lambda _: pillow("PNG", "P"), "bad.png"), None, 2),
    Fault("progressive JPEG", picture(lambda _: encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), None, 2),
    Fault("bytes before the end mark", picture(lambda data: data[:-2] + b"x" * 500 + data[-2:]), "picture_damaged", 2),
    Fault("bytes after the end", picture(lambda data: data + b"x" * 500), None, 2),
    Fault(".JPG", _rename_picture("bad.JPG"), None, 2),
    Fault("found by <filename>", both(_rename_picture("other name.jpg"), in_xml("bad.jpg", "C:\\me\\other name.jpg")),
          "picture_by_filename", 2),
    Fault("two pictures, <filename> tells which", (lambda folder: shutil.copy(
        folder / "JPEGImages/bad.jpg", folder / "JPEGImages/bad.png")), None, 2),
    Fault("two annotations of that name", (lambda folder: shutil.copy(
        folder / "Annotations/bad.xml", folder / "Annotations/bad.XML")), "duplicate_id"),
)
