"""What a picture file's first bytes tell, without decoding it: format, size, channels, EXIF orientation.

Names are not trusted: the format is sniffed. Whether the pixels decode is `pictures`' job.
"""
import struct
from typing import NamedTuple

_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN, _JPEG_APP1 = 0xDA, 0xE1
# Tags of a TIFF directory, EXIF's among them, and the two types that their values have: (letter of struct, bytes).
_WIDTH, _HEIGHT, _BITS, _ORIENTATION = 0x0100, 0x0101, 0x0102, 0x0112
_TIFF_TYPES = {3: ("H", 2), 4: ("I", 4)}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}


class Header(NamedTuple):
    """Size and channels are None where the format's header is not read here; orientation is EXIF's, 1 = upright."""

    format: str
    width: int | None = None
    height: int | None = None
    channels: int | None = None
    bits: int = 8
    orientation: int = 1


def sniff(data: bytes) -> str | None:
    """The format that the bytes begin with: JPEG, PNG, BMP, GIF, WEBP, TIFF, or None."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return "TIFF"
    return "BMP" if data[:2] == b"BM" else None


def read_header(data: bytes) -> Header | None:
    """What the file's first bytes tell, or None for an unknown format.

    A JPEG or PNG that is cut before its size has the size None.
    """
    kind = sniff(data)
    if kind == "JPEG":
        return _read_jpeg(data)
    if kind == "PNG" and len(data) >= 26 and data[12:16] == b"IHDR":
        width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
        return Header("PNG", width, height, _PNG_CHANNELS.get(colour), bits, _png_orientation(data))
    if kind == "BMP" and len(data) >= 26:
        # OS/2's header, of 12 bytes, has sides of two bytes.
        sides = struct.unpack("<HH", data[18:22]) if data[14] == 12 else struct.unpack("<ii", data[18:26])
        return Header("BMP", *map(abs, sides))
    if kind == "GIF" and len(data) >= 10:
        return Header("GIF", *struct.unpack("<HH", data[6:10]))
    if kind == "TIFF":
        tags = _first_directory(data)
        return Header("TIFF", tags.get(_WIDTH), tags.get(_HEIGHT), None, tags.get(_BITS, 8), _orientation(data))
    if kind == "WEBP":
        return Header("WEBP", *_webp_size(data))
    return Header(kind) if kind else None


def _read_jpeg(data: bytes) -> Header:
    """Walk the segments up to the first scan: the frame gives size and channels, APP1 the orientation."""
    orientation, position = 1, 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        length = int.from_bytes(data[position + 2:position + 4], "big")
        segment = data[position + 4:position + 2 + length]
        if marker == _JPEG_APP1 and segment[:6] == b"Exif\0\0":
            orientation = _orientation(segment[6:])
        if marker in _JPEG_FRAMES and len(segment) >= 6:
            bits, height, width, channels = struct.unpack(">BHHB", segment[:6])
            return Header("JPEG", width, height, channels, bits, orientation)
        if marker == _JPEG_SCAN or length < 2:
            break
        position += 2 + length
    return Header("JPEG", orientation=orientation)


def _png_orientation(data: bytes) -> int:
    """Walk the chunks to the last: EXIF may stand before or after the pixels."""
    position = 8
    while position + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[position:position + 8])
        if name == b"eXIf":
            return _orientation(data[position + 8:position + 8 + length])
        if name == b"IEND":
            break
        position += 12 + length
    return 1


def _webp_size(data: bytes) -> tuple[int, int] | tuple[()]:
    """(width, height) as the first chunk has them: lossy, lossless or extended; () where it is none of these or cut."""
    name = data[12:16]
    if name == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF  # above them are two bits that ask for a larger display
    if name == b"VP8L" and len(data) >= 25:
        sides = int.from_bytes(data[21:25], "little")
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    if name == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return ()


def _orientation(tiff: bytes) -> int:
    """The orientation in an EXIF block or a TIFF; 1 where there is none or it is none of 1 to 8."""
    value = _first_directory(tiff).get(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _first_directory(tiff: bytes) -> dict[int, int]:
    """The first value of each tag that has whole numbers; what is damaged is not among them."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return {}
    directory = struct.unpack(order + "I", tiff[4:8])[0]
    count = struct.unpack(order + "H", tiff[directory:directory + 2])[0] if directory + 2 <= len(tiff) else 0
    tags: dict[int, int] = {}
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, length, place = struct.unpack(order + "HHII", tiff[entry:entry + 12])
        letter, size = _TIFF_TYPES.get(kind, ("H", 0))
        start = entry + 8 if size * length <= 4 else place  # a value of up to four bytes stands in the entry
        if size and start + size <= len(tiff):
            tags.setdefault(tag, struct.unpack(order + letter, tiff[start:start + size])[0])
    return tags
