"""Files that another program may be reading: they appear whole or not at all."""
import json
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Replace the file by one of that text, in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Replace the file by one of that value. NaN, which JSON does not have, is a ValueError."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
