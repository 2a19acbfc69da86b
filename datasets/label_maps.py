"""Class names in id order: read from labels.txt, a split's JSON or a `label_map.pbtxt`.

A label map is a tuple of class names; the first has id 1, and id 0 is the background, named `none`. Which file is read
and what happens to a class that it lacks is the converter's decision, not made here.
"""
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from google.protobuf import text_format

from tf_extended.console import InputError
from tf_extended.files import composed
from tf_extended.messages import declare

BACKGROUND = "none"
# Names, in lower case, that no class can have.
RESERVED = (BACKGROUND, "background", "_background_", "__background__", "__ignore__")
LABELS_FILE = "labels.txt"
AUTO = "auto"
_LabelMap = declare({
    "Item": {"name": (1, "string", "optional"), "id": (2, "int32", "optional")},
    "StringIntLabelMap": {"item": (1, "Item", "repeated")},
}, "StringIntLabelMap")


def labels_to_names(labels: Iterable[str]) -> dict[int, str]:
    """{0: 'none', 1: first class, …}."""
    return dict(enumerate([BACKGROUND, *labels]))


def check_labels(labels: Iterable[str], origin: str) -> tuple[str, ...]:
    """The names as a tuple; InputError naming `origin` where they are no label map."""
    names = tuple(labels)
    if not names:
        raise InputError(f"{origin}: no class name in it; expected one a line.")
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name.strip() or any(map(_breaks_lines, name)):
            raise InputError(f"{origin}: class {number} is {name!r}; expected a name of printable characters.")
        if name in names[:number - 1]:
            raise InputError(f"{origin}: class {name!r} stands there twice; leave one of them out.")
        if name.lower() in RESERVED:
            raise InputError(f"{origin}: leave {name!r} out; the background has id 0 without being listed.")
    return names


def _breaks_lines(character: str) -> bool:
    """Whether it is a control character or breaks a line, so that no list could hold it; joiners of scripts do not."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


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


def _labels_from_pbtxt(text: str, origin: str) -> list[str]:
    try:
        items = text_format.Parse(text, _LabelMap(), allow_unknown_field=True).item
    except (text_format.ParseError, RecursionError) as error:
        raise InputError(f"{origin}: not understood: {error}; expected of each class item {{ id: 1 name: 'a' }}, or a "
                         "labels.txt with one name a line.") from None
    for item in items:
        if not (item.HasField("id") and item.HasField("name")):
            raise InputError(f"{origin}: an item without id or name: {text_format.MessageToString(item, True)!r}.")
    by_number = {item.id: composed(item.name) for item in items}
    if len(by_number) < len(items):
        twice, _ = Counter(item.id for item in items).most_common(1)[0]
        raise InputError(f"{origin}: id {twice} stands there twice.")
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
