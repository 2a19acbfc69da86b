"""mAP over steps: points stay, in order, one a step."""
import json

import cv2
import pytest

from tf_extended.console import InputError
from tf_extended.evaluation.curve import CURVE_JSON, CURVE_PNG, add_point, read_curve


def point(step, voc07=0.5):
    return {"step": step, "checkpoint": f"model.ckpt-{step}", "voc07": voc07, "voc12": 0.4, "images": 3}


def test_points_are_kept_in_order_and_replaced(tmp_path):
    assert read_curve(tmp_path) == []
    for step in (200, 100, 300):
        add_point(tmp_path, point(step))
    add_point(tmp_path, point(100, voc07=None))
    points = read_curve(tmp_path)
    assert [(p["step"], p["voc07"]) for p in points] == [(100, None), (200, 0.5), (300, 0.5)]
    assert json.loads((tmp_path / CURVE_JSON).read_text())["format"] == 1
    assert cv2.imread(str(tmp_path / CURVE_PNG)).shape[2] == 3


@pytest.mark.parametrize("text", [
    "", "[]", '{"format": 1}', '{"format": 2, "points": []}', '{"format": 1, "points": [1]}',
])
def test_a_file_that_is_no_curve(tmp_path, text):
    (tmp_path / CURVE_JSON).write_text(text)
    with pytest.raises(InputError, match=r"curve\.json"):
        read_curve(tmp_path)
