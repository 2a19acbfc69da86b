import json
import shutil

import cv2
import numpy as np
import pytest

import tf_extended as tfe
from tf_extended import curves


def write(path, steps, scale=1.0):
    with path.open("a") as log:
        for step in steps:
            row = {"step": step, "loss": scale * step, "learning_rate": 0.1, "images_per_second": 9}
            log.write(json.dumps(row) + "\n")


def test_repeated_steps_replace_the_first_ones(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, [10, 20, 30, 40])
    write(path, [25, 35], scale=2.0)
    assert [(row["step"], row["loss"]) for row in curves.read_metrics(path)] == [(10, 10), (20, 20), (25, 50), (35, 70)]


@pytest.mark.parametrize("text", ['{"step": 20, "lo', '7\n{"loss": 1}\n'])
def test_a_line_cut_short_and_lines_that_are_no_rows_are_left_out(tmp_path, text):
    path = tmp_path / "metrics.jsonl"
    write(path, [10])
    with path.open("a") as log:
        log.write(text)
    assert [row["step"] for row in curves.read_metrics(path)] == [10]


def test_the_picture_is_a_png(tmp_path):
    write(tmp_path / "metrics.jsonl", [10, 20])
    picture = curves.plot_training(tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_killed_run_and_the_one_that_went_on_are_drawn_as_one(tmp_path):
    """The picture is that of a run without repeated steps, pixel by pixel."""
    runs = {"straight": [[10, 20, 30, 40, 50]], "repeated": [[10, 20, 30, 40], [20, 30], [30, 40, 50]]}
    for name, parts in runs.items():
        (tmp_path / name).mkdir()
        for steps in parts:
            write(tmp_path / name / "metrics.jsonl", steps)
    straight, repeated = (cv2.imread(str(curves.plot_training(tmp_path / name))) for name in ("straight", "repeated"))
    np.testing.assert_array_equal(straight, repeated)


def test_bytes_that_a_power_cut_left_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, [10])
    with path.open("ab") as log:
        log.write(b"\0" * 50 + b"\xff\xfe\n")
    write(path, [20])
    assert [row["step"] for row in curves.read_metrics(path)] == [10, 20]


def test_nothing_measured_is_an_error_to_readers(tmp_path):
    with pytest.raises(tfe.InputError, match="no measurements"):
        curves.read_metrics(tmp_path / "metrics.jsonl")


def test_nothing_measured_leaves_the_picture_or_draws_empty_axes(tmp_path):
    assert curves.plot_training(tmp_path).read_bytes().startswith(b"\x89PNG")
    write(tmp_path / "metrics.jsonl", [10, 20])
    drawn = shutil.copy(curves.plot_training(tmp_path), tmp_path / "copy.png")
    (tmp_path / "metrics.jsonl").unlink()
    assert curves.plot_training(tmp_path).read_bytes() == drawn.read_bytes()
