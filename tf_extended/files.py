"""Files that another program may be reading appear whole or not at all; texts that people made are read; pictures
are written; one process at a time holds a folder."""
import contextlib
import io
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Container
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tf_extended.console import InputError

try:
    import fcntl
except ImportError:  # Windows: that two processes write in one folder is then not noticed
    fcntl = None

# The endings of pictures' names, and the formats that they stand for.
SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".bmp": "BMP", ".gif": "GIF",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
}
# All that may be left out behind a picture's name in a list: `frame.1` is another picture than `frame`.
_ENDING = re.compile(f"({'|'.join(map(re.escape, (*SUFFIXES, '.xml')))})$", re.IGNORECASE)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file, or the one that a link leads to, by one that holds these bytes, in one step.

    Its folder is made. An OSError names the file.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{secrets.token_hex(8)}.unfinished")  # nobody else's, on whatever machine
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    except OSError as error:  # which names no file where the disk is full, or the unfinished one
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of a text, as UTF-8."""
    write_bytes(path, text.encode())


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark; InputError names one in another encoding."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None


def composed(name: str) -> str:
    """A name in Unicode's composed form: macOS writes an accent as a letter of its own, which compares unequal."""
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """A file's name as UTF-8 has it: bytes that are none, which no shard or JSON could hold, as \\x escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_list(path: Path, known: Container[str]) -> list[str]:
    """The picture names of a VOC list (ImageSets/Main), one a line, `composed`.

    A folder before the name and a picture's ending, or .xml, behind it are left out, where what remains is `known`.
    Lists of one class have a second column, `name -1` where the class is not in the picture: those lines are left out.
    A line that is known as a whole is a name that ends like this. InputError as for `read_text`.
    """
    names = []
    for line in filter(None, map(str.strip, composed(read_text(path)).splitlines())):
        name = _known_name(line, known)
        flagged = None if name else re.fullmatch(r"(.*\S)\s+(-?[01])", line)
        if not flagged or flagged[2] != "-1":
            stated = flagged[1] if flagged else line
            names.append(name or _known_name(stated, known) or stated)
    return names


def _known_name(stated: str, known: Container[str]) -> str | None:
    """The known name that a list's line, or part of it, means; None for none."""
    bare = stated.replace("\\", "/").rpartition("/")[2]
    return next((name for name in (stated, bare, _ENDING.sub("", bare)) if name in known), None)


def write_json(path: Path, value: Any) -> None:
    """Replace the file by one of that value. NaN, which JSON does not have, is a ValueError."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_png(path: Path, image: np.ndarray) -> None:
    """`write_bytes` of RGB uint8 [H, W, 3]; OpenCV's own writing keeps to itself where it fails."""
    write_bytes(path, cv2.imencode(".png", image[..., ::-1])[1].tobytes())


def write_figure(path: Path, figure: Any, dpi: int) -> None:
    """`write_bytes` of a figure of Matplotlib's, as PNG."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    write_bytes(path, drawn.getvalue())


def lock(opened: int) -> bool:
    """Whether no other process holds the open file or folder; this one does then, until it closes it or ends.

    True too where there are no locks: on Windows and on some network file systems.
    """
    try:
        if fcntl:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def check_utf8(path: str | Path, flag: str = "", remedy: str = "; rename the folder.") -> None:
    """InputError for a path that is no UTF-8, which TensorFlow cannot take; `flag` and `remedy` begin and end it."""
    name = printable(str(path))
    if name != str(path):
        raise InputError(f"{flag}{name}: expected a path in UTF-8, as TensorFlow takes them{remedy}")


def check_writable(folder: Path, what: str) -> None:
    """InputError, naming the flag `what`, where the folder cannot be written or made, or named. Makes nothing."""
    check_utf8(folder, f"--{what}=", ". Choose another.")
    try:
        existing = next(path for path in (folder, *Path(folder).absolute().parents)
                        if path.exists() or path.is_symlink())  # one that leads nowhere is in the way
    except OSError as error:
        raise InputError(f"--{what}={folder}: {error.strerror}. Choose another.") from None
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--{what}={folder}: {existing} is not a folder that can be written to. Choose another.")
