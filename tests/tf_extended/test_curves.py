import json

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


def test_a_line_cut_short_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, [10])
    with path.open("a") as log:
        log.write('{"step": 20, "lo')
    assert [row["step"] for row in curves.read_metrics(path)] == [10]


def test_the_picture_is_a_png(tmp_path):
    write(tmp_path / "metrics.jsonl", [10, 20])
    picture = curves.plot_training(tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_nothing_measured_is_an_error(tmp_path):
    with pytest.raises(tfe.InputError, match="no measurements"):
        curves.plot_training(tmp_path)
