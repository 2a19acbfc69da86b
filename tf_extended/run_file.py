"""`run.json`: what a training was, for whoever finds its checkpoints later."""
import json
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from tf_extended.files import write_text

PACKAGES = ("tensorflow", "tf-slim", "numpy", "opencv-python-headless")


def write_run_file(train_dir: Path, flag_values: Mapping[str, Any], **facts: Any) -> Path:
    """Write train_dir/run.json: command, effective flags, versions and `facts`; returns its path.

    A run that resumes in a folder replaces the file, in one step: the command before it is kept in its list
    `earlier_commands`.
    """
    path = train_dir / "run.json"
    earlier = []
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            earlier = [*before["earlier_commands"], before["command"]]
        except (ValueError, KeyError, TypeError):
            earlier = ["unreadable"]
    run = {"command": sys.argv, "earlier_commands": earlier, "flags": dict(flag_values), "versions": versions()} | facts
    write_text(path, json.dumps(run, indent=1, default=str) + "\n")
    return path


def versions() -> dict[str, str]:
    """Version of Python and of the packages that decide about results; those that are not installed are left out."""
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
