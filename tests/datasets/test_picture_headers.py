"""Sizes and orientations of pictures from their first bytes, whole, cut and odd."""
import struct

import cv2
import numpy as np
import pytest

from datasets.picture_headers import Header, read_header
from tests.datasets.test_pictures import RGB, pillow
from tests.datasets.voc_cases import encoded, exif_block, patched, picture_bytes, with_exif


def with_fill_bytes(jpeg):
    """A marker may have any number of 0xff before it."""
    return jpeg[:2] + b"\xff\xff" + jpeg[2:]


def with_huffman_table_first(jpeg):
    """Its marker, 0xc4, is among those of the frames."""
    return jpeg[:2] + b"\xff\xc4\x00\x13" + bytes(17) + jpeg[2:]


def from_the_top(bmp):
    """A negative height: the rows begin at the top."""
    return patched(bmp, 22, (-375).to_bytes(4, "little", signed=True))


def png_with_exif(place):
    """An orientation of 6 in a chunk at that place of the file; its checksum is not looked at here."""
    png, block = encoded(".png"), exif_block(6)
    return png[:place] + struct.pack(">I4s", len(block), b"eXIf") + block + bytes(4) + png[place:]


def webp(name, payload):
    """The head of a WebP whose first chunk is that."""
    return b"RIFF" + bytes(4) + b"WEBP" + name + struct.pack("<I", len(payload)) + payload


def big_endian_tiff(width, height):
    """A directory with the two sides as short numbers, which stand in the upper half of their four bytes."""
    sides = [struct.pack(">HHIHH", tag, 3, 1, side, 0) for tag, side in ((0x0100, width), (0x0101, height))]
    return b"MM\0*" + struct.pack(">IH", 8, len(sides)) + b"".join(sides) + bytes(4)


@pytest.mark.parametrize(("data", "header"), [
    (picture_bytes(), Header("JPEG", 500, 375, 3)),
    (with_exif(picture_bytes(), 6), Header("JPEG", 500, 375, 3, orientation=6)),
    (with_exif(picture_bytes(), 8, ">"), Header("JPEG", 500, 375, 3, orientation=8)),
    (encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), Header("JPEG", 500, 375, 3)),
    (pillow("JPEG", "L"), Header("JPEG", 500, 375, 1)),
    (pillow("JPEG", "CMYK"), Header("JPEG", 500, 375, 4)),
    (encoded(".png"), Header("PNG", 500, 375, 3)),
    (pillow("PNG", "LA"), Header("PNG", 500, 375, 2)),
    (encoded(".png", RGB.astype(np.uint16)), Header("PNG", 500, 375, 3, bits=16)),
    (encoded(".bmp"), Header("BMP", 500, 375)), (encoded(".webp"), Header("WEBP", 500, 375)),
    (png_with_exif(33), Header("PNG", 500, 375, 3, orientation=6)),
    (png_with_exif(-12), Header("PNG", 500, 375, 3, orientation=6)),  # behind the pixels
    (encoded(".png") + png_with_exif(-12)[-50:-12], Header("PNG", 500, 375, 3)),  # behind the end
    (encoded(".webp", None, cv2.IMWRITE_WEBP_QUALITY, 50), Header("WEBP", 500, 375)),
    (pillow("WEBP", lossless=True), Header("WEBP", 500, 375)),
    (pillow("WEBP", exif=exif_block(1)), Header("WEBP", 500, 375)),
    (webp(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\x2c\x41\xc8\x80"), Header("WEBP", 300, 200)),  # shown larger: 1, 2
    (webp(b"VP8L", b"\x2f" + (299 | 199 << 14 | 1 << 28).to_bytes(4, "little")), Header("WEBP", 300, 200)),
    (webp(b"VP8X", b"\x10\0\0\0" + b"\x5f\xea\0" + b"\xc7\0\0"), Header("WEBP", 60000, 200)),
    (webp(b"VP8 ", bytes(10)), Header("WEBP")), (webp(b"VP8X", bytes(9)), Header("WEBP")),
    (encoded(".tiff"), Header("TIFF", 500, 375)),
    (pillow("TIFF", tiffinfo={274: 6}), Header("TIFF", 500, 375, orientation=6)),
    (encoded(".tiff", RGB.astype(np.uint16)), Header("TIFF", 500, 375, bits=16)),
    (b"II*\0\xff\xff\xff\0", Header("TIFF")),
    (pillow("GIF"), Header("GIF", 500, 375)),
    (with_fill_bytes(picture_bytes()), Header("JPEG", 500, 375, 3)),
    (with_huffman_table_first(picture_bytes()), Header("JPEG", 500, 375, 3)),
    (from_the_top(encoded(".bmp")), Header("BMP", 500, 375)),
    (big_endian_tiff(500, 375), Header("TIFF", 500, 375)),
    (picture_bytes()[:100], Header("JPEG")), (b"\xff\xd8\xff", Header("JPEG")), (encoded(".png")[:20], Header("PNG")),
    (b"", None), (b"BX", None), (b"RIFF....WAVE", None),
])
def test_headers(data, header):
    assert read_header(data) == header


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_headers_of_cut_files_raise_nothing(cut):
    header = read_header(with_exif(picture_bytes(), 6)[:cut])
    assert header is None or header.format == "JPEG"


def test_os_2_bmps_have_sides_of_two_bytes():
    header = struct.pack("<2sIHHIIHHHH", b"BM", 26 + 30 * 20 * 3, 0, 0, 26, 12, 30, 20, 1, 24)
    data = header + bytes(30 * 3 + 2) * 20
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (20, 30, 3)
    assert read_header(data) == Header("BMP", 30, 20)


@pytest.mark.parametrize("size", [2, 20, 25])
def test_a_bmp_that_is_cut_in_its_header_has_no_size(size):
    assert read_header((b"BM" + bytes(30))[:size]) == Header("BMP")
