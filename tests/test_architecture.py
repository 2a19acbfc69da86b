"""Who may import whom, and who may read flags (design: arrows point down only)."""
import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MIDDLE = ("datasets", "preprocessing", "nets")
SCRIPTS = tuple(path.stem for path in ROOT.glob("*.py"))
SOURCES = sorted(path for package in (*MIDDLE, "tf_extended") for path in (ROOT / package).rglob("*.py"))


def imported(path):
    """Top-level names of what a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_there_is_something_to_check():
    assert {"tf_convert_data", "train_ssd_network", "eval_ssd_network", "detect_ssd_images"} <= set(SCRIPTS)
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrows_point_down_only(path):
    package = path.relative_to(ROOT).parts[0]
    above = {*SCRIPTS, "tests", *(() if package == "tf_extended" else set(MIDDLE) - {package}),
             *(MIDDLE if package == "tf_extended" else ())}
    assert not above & set(imported(path))


# Modules about flags: they define them, and tell what follows from several of them when a script hands its flags over.
ABOUT_FLAGS = {"console.py", "shared_flags.py", "training_flags.py", "eval_flags.py"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_scripts_read_flags(path):
    names = {node.id if isinstance(node, ast.Name) else node.attr
             for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, (ast.Name, ast.Attribute))}
    assert "FLAGS" not in names
    assert ("absl" in imported(path)) == (path.name in ABOUT_FLAGS)


def test_tensorflow_and_slim_come_through_one_door():
    for path in [*SOURCES, *ROOT.glob("*.py")]:
        if path != ROOT / "tf_extended" / "compat.py":
            assert not {"tensorflow", "tf_slim"} & set(imported(path)), path
