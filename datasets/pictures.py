"""Check one picture the way the readers will decode it, and re-encode what they would misread.

1. Sniff the format and read the header (`picture_headers`): unknown, animated and oversized pictures end here.
2. Decode with TensorFlow's own strict decoder, the ops that slim's TFExampleDecoder runs: what it will refuse during
   training is refused here. Nothing else gives the same verdict (OpenCV and Pillow fill truncated pictures in).
3. Tell which re-encoding is needed: CMYK, formats other than JPEG and PNG, EXIF-turned pictures.

Not its job: which way the boxes were drawn (`samples` compares the stated size), files and folders.
"""
import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

from datasets.findings import Findings, Unusable
from datasets.picture_headers import Header, read_header
from tf_extended.compat import tf

# Above this a decoded picture takes more than half a gigabyte; also what stops a decompression bomb.
MAX_PIXELS = 200_000_000
# How libjpeg begins the lines that say it filled damaged data in, and what it says where data is missing. Its others
# are about headers that no pixel depends on.
_DAMAGE = ("Corrupt JPEG data", "Inconsistent progression sequence")
_CUT = "premature end"
# EXIF orientation → the cv2.flip code and the cv2.rotate code that make the picture upright.
_HALF, _CLOCKWISE, _COUNTER = cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE
_UPRIGHT = {2: (1, None), 3: (None, _HALF), 4: (0, None), 5: (1, _COUNTER), 6: (None, _CLOCKWISE), 7: (1, _CLOCKWISE),
            8: (None, _COUNTER)}


class Picture(NamedTuple):
    """A checked picture. width, height: as stored after `reencode`; reencode: must be written by `reencode`."""

    format: str
    width: int
    height: int
    orientation: int
    reencode: bool


@functools.cache
def strict_decoder() -> Callable[[bytes, bool], np.ndarray]:
    """fn(encoded, pixels) → uint8 [H, W, 3] of a JPEG or PNG, or only its shape int32 [3] where `pixels` is false.

    The ops are those of slim's TFExampleDecoder. One session per process, made at the first call: a process that
    has called this must not be forked. Raises tf.errors.InvalidArgumentError for what TensorFlow refuses.
    """
    with tf.Graph().as_default() as graph:
        encoded = tf.placeholder(tf.string, [])
        images = {True: tf.image.decode_jpeg(encoded, channels=3), False: tf.image.decode_image(encoded, channels=3)}
        shapes = {is_jpeg: tf.shape(image) for is_jpeg, image in images.items()}
    threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1,
                             device_count={"GPU": 0})
    session = tf.Session(graph=graph, config=threads)

    def decode(data: bytes, pixels: bool) -> np.ndarray:
        return session.run((images if pixels else shapes)[data[:3] == b"\xff\xd8\xff"], {encoded: data})

    return decode


@functools.cache
def _decoder_messages() -> BinaryIO:
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def _listen() -> Iterator[list[str]]:
    """Gather the lines that the C libraries write to standard error meanwhile, and keep them off the terminal.

    libjpeg fills damaged data in and only prints that it did; TensorFlow has no other way to hear of it.
    """
    lines: list[str] = []
    held, terminal = _decoder_messages(), os.dup(2)
    os.dup2(held.fileno(), 2)
    try:
        yield lines
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        if held.seek(0, os.SEEK_CUR):
            held.seek(0)
            lines += held.read().decode(errors="replace").splitlines()
            held.seek(0)
            held.truncate()


def check_picture(data: bytes, found: Findings) -> Picture:
    """Check a picture's bytes; what it is goes to `found`, and Unusable is raised for what readers cannot decode."""
    header = read_header(data)
    if header is None:
        what = f"it begins with {data[:8]!r}" if data else "it is empty"
        raise Unusable("picture_unknown", f"{what}; expected a JPEG or PNG")
    if header.width and header.height and header.width * header.height > MAX_PIXELS:
        raise Unusable("picture_too_large", f"{header.width}×{header.height} pixels, at most {MAX_PIXELS:,} are read")
    if header.format not in ("JPEG", "PNG"):
        with _listen():
            height, width = _decode_other(data, header.format).shape[:2]
        found.add("format_converted", header.format)
        _note_colours(header, found)
        return Picture(header.format, width, height, header.orientation, True)
    height, width = _decode_strictly(data, found)
    _note_colours(header, found)
    cmyk = header.format == "JPEG" and header.channels == 4
    if cmyk:
        found.add("cmyk_converted")
    return Picture(header.format, width, height, header.orientation, cmyk)


def _decode_strictly(data: bytes, found: Findings) -> tuple[int, int]:
    """(height, width) of what TensorFlow decodes; decoded to the last line."""
    try:
        with _listen() as messages:
            shape = strict_decoder()(data, False)
    except tf.errors.OpError as error:
        raise Unusable("picture_undecodable", decoder_reason(error)) from None
    damage = [line for line in messages if line.startswith(_DAMAGE)]
    if any(_CUT in line for line in damage):
        raise Unusable("picture_cut", damage[0])
    if damage:
        found.add("picture_damaged", damage[0])
    return int(shape[0]), int(shape[1])


def decoder_reason(error: tf.errors.OpError) -> str:
    """Why TensorFlow's decoder refused a picture, without the report of where in the graph that stands around it."""
    return (error.message or str(error)).partition("\n\t [[")[0].strip().rpartition("\n")[2]


def _note_colours(header: Header, found: Findings) -> None:
    if header.channels == 1:
        found.add("picture_grey")
    if header.channels in (2, 4) and header.format == "PNG":
        found.add("picture_alpha")
    if header.bits == 16:
        found.add("picture_16bit")


def _decode_other(data: bytes, name: str) -> np.ndarray:
    """uint8 BGR [H, W, 3] of a BMP, GIF, WebP or TIFF with one picture in it; TIFFs upright, as OpenCV has it."""
    buffer = np.frombuffer(data, np.uint8)
    try:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        # Two tell that there are several; all of a long animation can be gigabytes.
        several = name in ("GIF", "TIFF", "WEBP") and len(cv2.imdecodemulti(buffer, flags, range=(0, 2))[1]) > 1
        image = cv2.imdecode(buffer, flags)
    except cv2.error as error:
        raise Unusable("picture_undecodable", f"{name}: {error.err or error}") from None
    if image is None:
        raise Unusable("picture_undecodable", f"a {name} that OpenCV does not decode; save it as JPEG or PNG")
    if several:
        raise Unusable("picture_animated", f"several in a {name}; save the one that was annotated as JPEG or PNG")
    return image


def load_picture(data: bytes, picture: Picture) -> np.ndarray:
    """The picture that these bytes are, upright, uint8 RGB [H, W, 3]; `picture`: what `check_picture` said of them."""
    upright = picture.orientation == 1 and not picture.reencode
    return strict_decoder()(data if upright else reencode(data, picture), True)


def reencode(data: bytes, picture: Picture) -> bytes:
    """The picture as an upright RGB PNG, without loss: what is stored where `picture.reencode` says so."""
    with _listen():
        if picture.format in ("JPEG", "PNG"):
            image = cv2.cvtColor(strict_decoder()(data, True), cv2.COLOR_RGB2BGR)
            flip, rotate = _UPRIGHT.get(picture.orientation, (None, None))
        else:
            image, flip, rotate = _decode_other(data, picture.format), None, None
    if flip is not None:
        image = cv2.flip(image, flip)
    if rotate is not None:
        image = cv2.rotate(image, rotate)
    encoded = cv2.imencode(".png", image)[1]
    return encoded.tobytes()
