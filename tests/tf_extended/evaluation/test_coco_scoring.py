"""COCO's figures from VOC boxes."""
import pytest

from tests.shared_data import needs_shared
from tests.tf_extended.evaluation.cases import NAMES, golden_names, golden_set, golden_values, one_image
from tf_extended.evaluation.coco_scoring import METRICS, coco_metrics
from tf_extended.evaluation.records import make_detections, make_ground_truth

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


def test_equal_scores_are_counted_in_the_order_of_the_images_names():
    """A right and a wrong detection of one score: the right one first is AP 1, last is 1/2, in whatever order they are
    read."""
    right, wrong = ([1], [BOX], [False]), ([], [], [])
    for order, expected in ((("a", "b"), 1.0), (("b", "a"), 0.5)):
        images = [(order[0], *right), (order[1], *wrong)]
        for number, read in enumerate((images, images[::-1])):
            found = make_detections([(0, [1], [0.9], [BOX]), (1, [1], [0.9], [BOX])])
            figures = coco_metrics(found, make_ground_truth(read), NAMES)
            assert figures["AP50"] == pytest.approx(expected, abs=1e-6), (order, number)


def test_the_background_is_no_class():
    figures = coco_metrics(*one_image([(1, BOX, False)], [(1, 0.9, BOX)]), NAMES)
    assert list(figures["per_class"]) == ["cat", "dog"]


@pytest.mark.parametrize(("last_row", "expected"), [(31, (0.1, 1, 0)), (41, (0.6, 1, 1))])
def test_the_thresholds_of_a_class_are_the_first_and_the_sixth_of_ten(last_row, expected):
    """Of 40 rows 21 are found, IoU .525, which .5 alone asks for; or 31, .775, which six of .5, .55, … .95 ask for."""
    figures = coco_metrics(*one_image([(1, (11, 11, 50, 30), False)], [(1, 0.9, (11, 11, last_row, 30))]), NAMES)
    cat = figures["per_class"]["cat"]
    assert (cat["AP"], cat["AP50"], cat["AP75"]) == pytest.approx(expected, abs=1e-6)
    assert cat["AR100"] == pytest.approx(expected[0], abs=1e-6)
