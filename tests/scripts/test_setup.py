"""`.ci/venv.sh`, which demo.sh and test.sh set themselves up with: what it does where .venv is not whole."""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SAYS = '#!/bin/sh\necho "$@" >>calls\n'
WHOLE, BROKEN = SAYS, SAYS + "[ \"$2\" = pip ]\n"  # which fails where it is asked whether it is whole


def set_up(folder, *files, python=None):
    """The finished `venv_with files` in a folder that has no more than these files and what lies in it already."""
    shutil.copy(PROJECT / ".ci/venv.sh", folder)
    for name in files:
        (folder / name).touch()
    return subprocess.run(["sh", "-c", '. ./venv.sh; venv_with "$@"', "sh", *files], cwd=folder, text=True, check=False,
                          capture_output=True, env={"PYTHON": python or sys.executable, "PATH": "/usr/bin:/bin"})


def make_python(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_files_are_installed_once_whoever_asks_for_others_in_between(tmp_path):
    make_python(tmp_path / ".venv/bin/python", WHOLE)
    for files in (["a.txt"], ["a.txt", "b.txt"], ["a.txt"], ["a.txt", "b.txt"]):
        assert set_up(tmp_path, *files).returncode == 0
    installed = [line.split()[-1] for line in (tmp_path / "calls").read_text().splitlines() if "install" in line]
    assert installed == ["a.txt", "b.txt"]
    for text, files in (("x\n", ["a.txt", "b.txt"]), ("", ["a.txt"])):  # and where one goes back to what it was
        (tmp_path / "a.txt").write_text(text)
        assert set_up(tmp_path, *files).stdout == "installing a.txt (TensorFlow is large: a minute or more)\n"


@pytest.mark.parametrize("python", [".venv/bin/python", "elsewhere/python"])
def test_an_environment_that_is_not_whole_is_left_and_told_with_the_remedy(tmp_path, python):
    """One that pip is missing from, and one whose Python is gone, perhaps no environment at all."""
    make_python(tmp_path / python, BROKEN)
    (tmp_path / ".venv").mkdir(exist_ok=True)
    (tmp_path / ".venv/own").touch()
    done = set_up(tmp_path, "a.txt")
    assert done.returncode == 2 and "remove it (rm -r .venv) and run this again" in done.stderr
    assert (tmp_path / ".venv/own").exists() and not (tmp_path / ".venv/a.txt.stamp").exists()


def test_where_there_is_none_it_is_made(tmp_path):
    python = make_python(tmp_path / "python", SAYS)
    set_up(tmp_path, "a.txt", python=python)
    assert "-m venv .venv" in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_without_a_python_the_variable_is_named(tmp_path, python):
    done = set_up(tmp_path, "a.txt", python=python)
    assert done.returncode == 2 and f"set PYTHON to its command (tried: {python})" in done.stderr


@pytest.mark.parametrize(("version", "status"), [((3, 9, 18), 2), ((3, 10), 0), ((3, 13, 5), 0), ((3, 14), 2)])
@pytest.mark.parametrize("whose", ["python", ".venv/bin/python"])
def test_a_python_that_tensorflow_has_no_package_for_is_refused(tmp_path, version, status, whose):
    """The system's, and that of an environment that is there. Their answers are this Python's, but for the version."""
    asked = make_python(tmp_path / whose, (
        f'#!/bin/sh\n[ "$1" = -c ] || exit 0\nexec {sys.executable} -c '
        f'"import sys; sys.version_info, sys.prefix = {version}, \'there\'; exec(sys.argv[1])" "$2"\n'))
    done = set_up(tmp_path, python=asked if whose == "python" else None)
    assert done.returncode == status and ("Python 3.10 to 3.13" in done.stderr) == bool(status)
