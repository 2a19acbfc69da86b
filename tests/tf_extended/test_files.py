"""Texts and lists, read and written."""
import os

import pytest

from tf_extended import files
from tf_extended.console import InputError


def test_a_text_is_written_into_a_folder_that_was_not_there(tmp_path):
    files.write_text(tmp_path / "new" / "x.txt", "größe")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.txt"]
    assert (tmp_path / "new" / "x.txt").read_bytes() == "größe".encode()


def test_what_json_does_not_have_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", [float("nan")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("line", "known", "name"), [
    ("a.b", {"a.b", "a"}, "a.b"),    # what looks like an ending is part of a name that is known
    ("D:\\x\\a.JPG", {"a.b", "a"}, "a"),
    ("a.xml", {"a"}, "a"),
    ("frame.1", {"frame"}, "frame.1"),  # no ending, but a name, and an unknown one
    ("frame.1.jpg", {"frame", "frame.1"}, "frame.1"),
    ("x/frame.1", {"frame"}, "x/frame.1"),
    ("D:/x/a.c", {"a.c", "a"}, "a.c"),
    ("x/a", {"x/a", "a"}, "x/a"),
    ("x/b.jpg", {"a"}, "x/b.jpg"),   # of which nothing is known
])
def test_the_whole_of_a_line_goes_before_its_parts(line, known, name, tmp_path):
    (tmp_path / "list.txt").write_text(f"{line}\n")
    assert files.read_list(tmp_path / "list.txt", known) == [name]


def test_a_folder_that_can_be_written_is_not_made_yet(tmp_path):
    for folder in (tmp_path, tmp_path / "a/b"):
        files.check_writable(folder, "output_dir")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "message"), [
    (b"file/sub", "file is not a folder that can be written to. Choose another"), (b"q" * 300, "File name too long"),
    (b"caf\xe9", r"caf\\udce9: expected a path in UTF-8"),
])
def test_folders_that_cannot_be_written(name, message, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"^--output_dir=.*{message}"):
        files.check_writable(tmp_path / os.fsdecode(name), "output_dir")


def test_a_folder_that_others_may_write(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda path, _: path != tmp_path)
    with pytest.raises(InputError, match=f"--output_dir={tmp_path / 'a'}: {tmp_path} is not a folder that can be"):
        files.check_writable(tmp_path / "a", "output_dir")
