"""mAP over steps: points stay, in order, one a step."""
import json
from pathlib import Path

import cv2
import pytest

from tf_extended.console import InputError
from tf_extended.evaluation import curve
from tf_extended.evaluation.curve import CURVE_JSON, CURVE_PNG, add_point, comparable, read_curve, training_of


def point(step, voc07=0.5, images=3, split="test"):
    return {"step": step, "checkpoint": f"model.ckpt-{step}", "voc07": voc07, "voc12": 0.4, "images": images,
            "split": split}


def test_points_are_kept_in_order_and_replaced(tmp_path):
    assert read_curve(tmp_path) == []
    for step in (200, 100, 300):
        add_point(tmp_path, point(step))
    add_point(tmp_path, point(100, voc07=None))
    points = read_curve(tmp_path)
    assert [(p["step"], p["voc07"]) for p in points] == [(100, None), (200, 0.5), (300, 0.5)]
    assert json.loads((tmp_path / CURVE_JSON).read_text())["format"] == 1
    assert cv2.imread(str(tmp_path / CURVE_PNG)).shape[2] == 3


def test_both_rules_are_drawn(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(curve, "plot_curve", lambda *arguments: drawn.append(arguments))
    add_point(tmp_path, point(1))
    assert drawn == [(tmp_path / CURVE_PNG, [1], {"VOC07 mAP": [0.5], "VOC12 mAP": [0.4]})]


def test_evaluations_of_other_pictures_stay_and_are_drawn_apart(tmp_path):
    """One step, evaluated on all of a split, on a part of it, and on another split."""
    for other in (point(100), point(100, images=1), point(100, split="val")):
        assert add_point(tmp_path, other) == [other]
    assert [p["step"] for p in add_point(tmp_path, point(200))] == [100, 200]
    points = read_curve(tmp_path)
    assert len(points) == 4
    assert comparable(points, {"split": "val", "images": 3}) == [point(100, split="val")]
    older = {key: value for key, value in point(100).items() if key != "split"}  # of a version that did not note it
    assert comparable([older], point(1, split="val")) == [older] and comparable([older], point(1, images=2)) == []


def test_trainings_are_drawn_apart_wherever_they_are_looked_at_from(tmp_path, monkeypatch):
    first, second = (point(100) | {"training": training_of(tmp_path / name)}
                     for name in ("first", "second"))
    own = point(50)  # as a training's own evaluations note them
    assert [add_point(tmp_path, given) for given in (own, first, second)] == [[own], [own, first], [own, second]]
    monkeypatch.chdir(tmp_path)
    assert training_of(Path("first/best")) == training_of(Path("first/../first")) == first["training"]
    assert add_point(tmp_path, first | {"voc07": 0.7}) == [own, first | {"voc07": 0.7}]


@pytest.mark.parametrize(("text", "message"), [
    ("", "is not a curve"), ("[]", "is not a curve"), ('{"format": 1}', "is not a curve"),
    ('{"format": 2, "points": []}', "has format 2, not 1: another version wrote it"),
    ('{"format": 1, "points": [1]}', "is not a curve"), ('{"format": 1, "points": [{"step": 1}]}', "is not a curve"),
])
def test_a_file_that_is_no_curve(tmp_path, text, message):
    (tmp_path / CURVE_JSON).write_text(text)
    with pytest.raises(InputError, match=rf"curve\.json {message}"):
        read_curve(tmp_path)


def test_every_point_of_a_curve_must_be_whole(tmp_path):
    (tmp_path / CURVE_JSON).write_text(json.dumps({"format": 1, "points": [point(1), {"step": 2}]}))
    with pytest.raises(InputError, match=r"curve\.json is not a curve"):
        read_curve(tmp_path)
