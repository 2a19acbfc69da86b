"""Scores equal the official devkit's, and a naive loop's on random sets."""
import numpy as np
import pytest
from hypothesis import given, settings

from tests.shared_data import needs_shared
from tests.tf_extended.evaluation.cases import (
    NAMES,
    golden_names,
    golden_set,
    golden_values,
    naive_ap,
    one_image,
    random_sets,
)
from tf_extended.evaluation.matching import Outcome, best_overlaps, match
from tf_extended.evaluation.records import make_detections, make_ground_truth
from tf_extended.evaluation.voc_scoring import score

BOX = (11, 11, 30, 30)
FAR = (61, 61, 80, 80)


@needs_shared
@pytest.mark.parametrize("name", golden_names())
def test_official_values(name):
    expected = golden_values()[name]
    scores = score(*golden_set(name))
    assert scores.map07 == pytest.approx(expected["map07_official"], abs=1e-9)
    assert scores.map12 == pytest.approx(expected["map10_official"], abs=1e-9)
    assert sum(c.ap07 is not None for c in scores.classes) == expected["map_classes"]
    for c in scores.classes:
        official = expected["classes"][c.name]
        assert (c.objects, c.difficult, c.detections) == tuple(official[k] for k in ("npos", "ndifficult", "ndet"))
        if c.objects:
            assert c.ap07 == pytest.approx(official["ap07_official"], abs=1e-9)
            assert c.ap12 == pytest.approx(official["ap10_official"], abs=1e-9)
        else:
            assert c.ap07 is None
            assert c.ap12 is None


@needs_shared
@pytest.mark.parametrize("name", golden_names())
def test_official_curves(name):
    curves = {c.name: c for c in score(*golden_set(name)).classes}
    for class_name, official in golden_values()[name]["pr"].items():
        if curves[class_name].objects:
            np.testing.assert_allclose(curves[class_name].recall, official["recall"], atol=1e-9)
            # The devkit divides 0 by 0 before the first detection that counts.
            precision = [0.0 if value == "NaN" else value for value in official["precision"]]
            np.testing.assert_allclose(curves[class_name].precision, precision, atol=1e-9)


@settings(max_examples=150)
@given(random_sets())
def test_equal_to_a_naive_loop(case):
    scores = score(*case, NAMES)
    for label, c in enumerate(scores.classes, 1):
        ap07, ap12, objects = naive_ap(*case, label)
        assert c.objects == objects
        if objects:
            assert c.ap07 == pytest.approx(ap07, abs=1e-12)
            assert c.ap12 == pytest.approx(ap12, abs=1e-12)


@settings(max_examples=40)
@given(random_sets())
def test_another_threshold_equals_a_naive_loop(case):
    for label, c in enumerate(score(*case, NAMES, matching_threshold=0.75).classes, 1):
        if c.objects:
            assert c.ap12 == pytest.approx(naive_ap(*case, label, 0.75)[1], abs=1e-12)


def outcomes(objects, found, threshold=0.5):
    detections, truth = one_image(objects, found)
    return [Outcome(o).name for o in match(detections, truth, best_overlaps(detections, truth), threshold)]


def test_half_an_overlap_is_enough_in_inclusive_pixels():
    # 20 × 10 of 20 × 20 pixels: exactly one half.
    assert outcomes([(1, BOX, False)], [(1, 0.9, (11, 11, 20, 30))]) == ["TRUE_POSITIVE"]
    assert outcomes([(1, BOX, False)], [(1, 0.9, (11, 11, 19.999, 30))]) == ["FALSE_POSITIVE"]


def test_no_second_choice():
    """The better one of two objects is taken: the next detection is a false positive though another is free."""
    objects = [(1, (1, 1, 20, 20), False), (1, (1, 5, 20, 24), False)]
    found = [(1, 0.9, (1, 1, 20, 20)), (1, 0.8, (1, 2, 20, 21))]
    assert outcomes(objects, found) == ["TRUE_POSITIVE", "FALSE_POSITIVE"]


def test_difficult_objects_swallow_any_number_of_detections():
    assert outcomes([(1, BOX, True)], [(1, 0.9, BOX), (1, 0.8, BOX)]) == ["IGNORED", "IGNORED"]


def test_below_the_threshold_a_difficult_object_saves_nothing():
    assert outcomes([(1, BOX, True)], [(1, 0.9, (11, 25, 30, 44))]) == ["FALSE_POSITIVE"]


def test_the_first_of_equal_objects_is_the_one():
    objects = [(1, BOX, True), (1, BOX, False)]
    assert outcomes(objects, [(1, 0.9, BOX)]) == ["IGNORED"]
    assert outcomes(objects[::-1], [(1, 0.9, BOX)]) == ["TRUE_POSITIVE"]


def test_ties_keep_the_order_of_rows():
    wrong_first, _ = one_image([(1, BOX, False)], [(1, 0.5, FAR), (1, 0.5, BOX)])
    right_first, truth = one_image([(1, BOX, False)], [(1, 0.5, BOX), (1, 0.5, FAR)])
    assert score(wrong_first, truth, NAMES).classes[0].ap12 == pytest.approx(0.5)
    assert score(right_first, truth, NAMES).classes[0].ap12 == pytest.approx(1.0)


def test_no_objects_and_no_detections():
    detections, truth = one_image([], [])
    scores = score(detections, truth, NAMES)
    assert scores.map07 is None
    assert scores.map12 is None
    assert [c.detections for c in scores.classes] == [0, 0]


def test_no_detections():
    detections, truth = one_image([(1, BOX, False)], [])
    scores = score(detections, truth, NAMES)
    assert (scores.map07, scores.map12) == (0.0, 0.0)
    assert scores.classes[1].ap07 is None


def test_no_objects():
    detections, truth = one_image([], [(1, 0.9, BOX)])
    assert score(detections, truth, NAMES).map07 is None
    assert outcomes([], [(1, 0.9, BOX)]) == ["FALSE_POSITIVE"]


def test_only_difficult_objects():
    detections, truth = one_image([(1, BOX, True)], [(1, 0.9, BOX), (1, 0.8, FAR)])
    scores = score(detections, truth, NAMES)
    assert scores.map07 is None
    assert (scores.classes[0].objects, scores.classes[0].difficult, scores.classes[0].detections) == (0, 1, 2)


def test_images_do_not_mix():
    truth = make_ground_truth([("a", [1], [BOX], [False]), ("b", [1], [FAR], [False])])
    detections = make_detections([(1, [1], [0.9], [BOX]), (0, [1], [0.8], [BOX])])
    assert match(detections, truth, best_overlaps(detections, truth)).tolist() == [
        Outcome.FALSE_POSITIVE, Outcome.TRUE_POSITIVE,
    ]


def test_no_images():
    scores = score(make_detections([]), make_ground_truth([]), NAMES)
    assert scores.map07 is None
