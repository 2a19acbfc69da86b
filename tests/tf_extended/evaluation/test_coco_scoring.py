"""COCO's figures from VOC boxes."""
import pytest

from tests.shared_data import needs_shared
from tests.tf_extended.evaluation.cases import NAMES, golden_names, golden_set, golden_values, one_image
from tf_extended.evaluation.coco_scoring import METRICS, coco_metrics

BOX = (11, 11, 30, 30)


@needs_shared
@pytest.mark.parametrize("name", [name for name in golden_names() if "coco" in golden_values()[name]])
def test_pycocotools_values(name, capsys):
    expected = golden_values()[name]["coco"]["iscrowd"]
    figures = coco_metrics(*golden_set(name))
    for metric in METRICS:
        assert figures[metric] == pytest.approx(expected[metric], abs=1e-6), metric
    for class_name, official in expected["per_class"].items():
        for metric, value in official.items():
            ours = figures["per_class"][class_name][metric]
            assert ours is None if value == -1 else ours == pytest.approx(value, abs=1e-6)
    assert capsys.readouterr().out == ""


def test_one_perfect_detection():
    figures = coco_metrics(*one_image([(1, BOX, False)], [(1, 0.9, BOX)]), NAMES)
    assert figures["AP"] == pytest.approx(1)
    # 20 × 20 pixels: small by COCO's 32 × 32.
    assert (figures["AP_small"], figures["AP_large"]) == (pytest.approx(1), None)
    assert figures["per_class"]["dog"]["AP"] is None


def test_difficult_objects_cost_nothing():
    objects = [(1, BOX, False), (1, (61, 61, 80, 80), True)]
    found = [(1, 0.9, (61, 61, 80, 80)), (1, 0.8, BOX)]
    assert coco_metrics(*one_image(objects, found), NAMES)["AP"] == pytest.approx(1)


def test_nothing_found_and_nothing_to_find():
    assert coco_metrics(*one_image([(1, BOX, False)], []), NAMES)["AP"] == 0
    assert coco_metrics(*one_image([], [(1, 0.9, BOX)]), NAMES)["AP"] is None
    assert coco_metrics(*one_image([], []), NAMES)["AR100"] is None


def test_the_background_is_no_class():
    figures = coco_metrics(*one_image([(1, BOX, False)], [(1, 0.9, BOX)]), NAMES)
    assert list(figures["per_class"]) == ["cat", "dog"]
