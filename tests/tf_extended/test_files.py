"""Texts and lists, read and written."""
import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from tf_extended import files
from tf_extended.console import InputError


def test_a_text_is_written_into_a_folder_that_was_not_there(tmp_path):
    files.write_text(tmp_path / "new" / "er" / "x.txt", "größe")
    assert [path.name for path in (tmp_path / "new" / "er").iterdir()] == ["x.txt"]
    assert (tmp_path / "new" / "er" / "x.txt").read_bytes() == "größe".encode()


def test_two_that_write_one_file_at_once_do_not_meet(tmp_path, monkeypatch):
    def while_others_write(path, data, write=Path.write_bytes):
        monkeypatch.undo()
        write(path, data[:2])
        files.write_text(tmp_path / "x.txt", "theirs")
        assert (tmp_path / "x.txt").read_text() == "theirs" and path.read_bytes() == data[:2]
        write(path, data)

    monkeypatch.setattr(Path, "write_bytes", while_others_write)
    files.write_text(tmp_path / "x.txt", "ours")
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"] and (tmp_path / "x.txt").read_text() == "ours"


def test_a_target_that_is_a_folder_or_a_link_or_has_too_long_a_name(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("new")
    for name in ("folder", "n" * 300):
        with pytest.raises(OSError, match=f": '{tmp_path / name}'$"):
            files.write_text(tmp_path / name, "x")
    files.write_text(tmp_path / "link", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "new"]
    assert (tmp_path / "link").is_symlink() and (tmp_path / "new").read_text() == "x"


@pytest.mark.parametrize("write", [
    lambda path: files.write_text(path, "long"), lambda path: files.write_png(path, np.zeros((9, 9, 3), np.uint8)),
    lambda path: files.write_figure(path, Figure(), dpi=50),
])
def test_a_full_disk_leaves_the_file_that_was_there_and_is_told_with_its_name(write, tmp_path, monkeypatch):
    def cut(path, data, write_bytes=Path.write_bytes):
        write_bytes(path, data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "x.png"
    path.write_text("before")
    monkeypatch.setattr(Path, "write_bytes", cut)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        write(path)
    assert path.read_text() == "before" and [path] == list(tmp_path.iterdir())


def test_pictures_and_figures_come_back(tmp_path):
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    files.write_png(tmp_path / "x.png", image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "x.png"))[..., ::-1], image)
    files.write_figure(tmp_path / "y.png", Figure(figsize=(2, 1)), dpi=50)
    assert cv2.imread(str(tmp_path / "y.png")).shape == (50, 100, 3)


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
    ("x 7", {"x"}, "x 7"),           # no column of a class's list, which has -1, 0 or 1
    ("JPEGImages/x 1", {"x", "x 1"}, "x 1"),  # a name that ends like a column is one behind a folder too
    ("x 1.jpg", {"x", "x 1"}, "x 1"),
    ("x -1", {"x", "x -1"}, "x -1"),
    ("JPEGImages/x 1", {"x"}, "x"),
    ("u\u0308", {"\u00fc"}, "\u00fc"),
])
def test_the_whole_of_a_line_goes_before_its_parts(line, known, name, tmp_path):
    (tmp_path / "list.txt").write_text(f"{line}\n", encoding="utf-8")
    assert files.read_list(tmp_path / "list.txt", known) == [name]


def test_a_folder_that_can_be_written_is_not_made_yet(tmp_path):
    for folder in (tmp_path, tmp_path / "a/b"):
        files.check_writable(folder, "output_dir")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "message"), [
    (b"file/sub", "file is not a folder that can be written to. Choose another"), (b"q" * 300, "File name too long"),
    (b"caf\xe9", r"caf\\udce9: expected a path in UTF-8"), (b"nowhere/sub", "nowhere is not a folder that can be"),
])
def test_folders_that_cannot_be_written(name, message, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("not there")
    with pytest.raises(InputError, match=f"^--output_dir=.*{message}"):
        files.check_writable(tmp_path / os.fsdecode(name), "output_dir")


def test_a_folder_that_others_may_write(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda path, _: path != tmp_path)
    with pytest.raises(InputError, match=f"--output_dir={tmp_path / 'a'}: {tmp_path} is not a folder that can be"):
        files.check_writable(tmp_path / "a", "output_dir")


def test_composed_names_differ_in_accents_alone():
    assert files.composed("u\u0308 x\u00b2 \ufb01") == "\u00fc x\u00b2 \ufb01"
