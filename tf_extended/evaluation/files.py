"""Files that another program may be reading: they appear whole or not at all."""
import json
import os
from pathlib import Path
from typing import Any

from tf_extended.console import InputError


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


def check_writable(folder: Path, what: str) -> None:
    """InputError, naming the flag `what`, where the folder cannot be written or made. Makes nothing."""
    existing = next(path for path in (folder, *Path(folder).absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"--{what}={folder}: {existing} is not a folder that can be written to. Choose another.")
