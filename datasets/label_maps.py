"""Class names in id order: read from labels.txt, a split's JSON or a `label_map.pbtxt`.

A label map is a tuple of class names; the first has id 1, and id 0 is the background, named `none`. Which file is read
and what happens to a class that it lacks is the converter's decision, not made here.
"""
import json
import re
from collections.abc import Iterable
from pathlib import Path

from tf_extended.console import InputError
from tf_extended.files import composed

BACKGROUND = "none"
# Names, in lower case, that no class can have.
RESERVED = (BACKGROUND, "background", "_background_", "__background__", "__ignore__")
LABELS_FILE = "labels.txt"
AUTO = "auto"
# What may stand behind a backslash in protobuf's text format: up to three octal digits, two hexadecimal ones, a code
# point, or a letter.
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPED = dict(zip("abfnrtv?'\"\\", "\a\b\f\n\r\t\v?'\"\\", strict=True))
# Braces and # in a quoted text mean nothing, and such texts beside one another are one; messages within an item
# (keypoints) are passed over.
_QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_COMMENT = re.compile(rf"({_QUOTED})|#.*")
_WITHIN = re.compile(rf"({_QUOTED})|\{{[^{{}}]*\}}")
_ITEM = re.compile(rf"\bitem\s*:?\s*\{{((?:{_QUOTED}|\{{[^{{}}]*\}}|[^{{}}\"'])*)\}}")
_ID, _NAME = re.compile(rf"{_QUOTED}|\bid\s*:\s*(-?\d+)\b"), re.compile(rf"\bname\s*:\s*((?:{_QUOTED}\s*)+)|{_QUOTED}")


def labels_to_names(labels: Iterable[str]) -> dict[int, str]:
    """{0: 'none', 1: first class, …}."""
    return dict(enumerate([BACKGROUND, *labels]))


def check_labels(labels: Iterable[str], origin: str) -> tuple[str, ...]:
    """The names as a tuple; InputError naming `origin` where they are no label map."""
    names = tuple(labels)
    if not names:
        raise InputError(f"{origin}: no class name in it; expected one a line.")
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise InputError(f"{origin}: class {number} is {name!r}; expected a name of printable characters.")
        if name in names[:number - 1]:
            raise InputError(f"{origin}: class {name!r} stands there twice; leave one of them out.")
        if name.lower() in RESERVED:
            raise InputError(f"{origin}: leave {name!r} out; the background has id 0 without being listed.")
    return names


def _labels_from_text(text: str, origin: str) -> list[str]:
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if "" in lines:
        raise InputError(f"{origin}: line {lines.index('') + 1} is empty; the line's number is the class id, "
                         "so remove the line or give it a name.")
    return lines


def _labels_from_json(text: str, origin: str) -> list[str]:
    try:
        labels = json.loads(text)["labels"]
    except (json.JSONDecodeError, KeyError, TypeError):
        labels = None
    if not isinstance(labels, list):
        raise InputError(f'{origin}: no list "labels" in this JSON; expected the file that the converter writes '
                         "beside its shards.")
    return labels


def _unescape(text: str, origin: str) -> str:
    """A string of protobuf's text format as it is meant: programs write `caf\\303\\251` there."""
    def meant(match: re.Match) -> bytes:
        kind, rest = match[1][:1].decode(), match[1][1:]
        if kind in "01234567":
            return bytes([int(match[1], 8)])
        if kind in "xX":
            return bytes([int(rest, 16)])
        return chr(int(rest, 16)).encode() if kind in "uU" else _ESCAPED[kind].encode()

    try:
        return composed(_ESCAPE.sub(meant, text.encode()).decode())
    except (KeyError, ValueError):
        raise InputError(f"{origin}: the name {text!r} has a backslash that stands for no text; write the names into "
                         "a labels.txt, one a line.") from None


def _labels_from_pbtxt(text: str, origin: str) -> list[str]:
    text = _COMMENT.sub(lambda found: found[1] or "", text)
    rest = _ITEM.sub("", text).strip(" \t\r\n,;")
    if rest:
        raise InputError(f"{origin}: not understood: {' '.join(rest.split())[:60]!r}; expected of each class "
                         "item { id: 1 name: 'a' }.")
    by_number: dict[int, str] = {}
    for item in _ITEM.findall(text):
        fields = _WITHIN.sub(lambda found: found[1] or "", item)
        number, name = (next(filter(None, field.findall(fields)), None) for field in (_ID, _NAME))
        if number is None or name is None:
            raise InputError(f"{origin}: an item without id or name: {' '.join(item.split())!r}.")
        if int(number) in by_number:
            raise InputError(f"{origin}: id {number} stands there twice.")
        by_number[int(number)] = _unescape("".join(part[1:-1] for part in re.findall(_QUOTED, name)), origin)
    by_number.pop(0, None)
    if sorted(by_number) != list(range(1, len(by_number) + 1)):
        raise InputError(f"{origin}: the ids {sorted(by_number)} are not 1, 2, 3, … without gaps; "
                         "write the names into a labels.txt, one a line.")
    return [by_number[number] for number in sorted(by_number)]


_READERS = {".txt": _labels_from_text, ".json": _labels_from_json, ".pbtxt": _labels_from_pbtxt}


def load_labels(path: str | Path) -> tuple[str, ...]:
    """Read a label map by the ending of its file: .txt, .json or .pbtxt; InputError says what is wrong with it."""
    path = Path(path)
    if path.suffix.lower() not in _READERS:
        raise InputError(f"labels {path}: expected labels.txt, a split's .json or a label_map.pbtxt; the conversion "
                         "also takes the word auto.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"labels {path}: {error.strerror}; expected a file with the class names.") from None
    except UnicodeDecodeError:
        raise InputError(f"labels {path}: not UTF-8 text; save it as UTF-8.") from None
    return check_labels(_READERS[path.suffix.lower()](composed(text), f"labels {path}"), f"labels {path}")
