"""Kinds of errors, confusion, best F1: pictures worked by hand, and sums that must agree."""
import numpy as np
import pytest
from hypothesis import given, settings

from tests.tf_extended.evaluation.cases import NAMES, one_image, random_sets
from tf_extended.evaluation.error_analysis import MISSED, analyse, best_f1, class_best_f1
from tf_extended.evaluation.matching import Outcome, best_overlaps, match
from tf_extended.evaluation.voc_scoring import score

BOX = (1, 1, 20, 20)
FAR = (101, 101, 120, 120)


def analysed(objects, found):
    detections, truth = one_image(objects, found)
    scores = score(detections, truth, NAMES)
    return analyse(detections, truth, NAMES, scores), scores


def test_one_error_of_every_kind():
    objects = [(1, BOX, False), (1, (1, 41, 20, 60), False), (2, (41, 1, 60, 20), False), (2, FAR, True),
               (1, (201, 1, 220, 20), False), (1, (241, 1, 260, 20), False)]
    found = [
        (1, 0.9, BOX),
        (1, 0.8, (1, 2, 20, 21)),           # the cat again
        (1, 0.8, (1, 51, 20, 70)),          # half beside the second cat: IoU 1/3
        (1, 0.8, (41, 1, 60, 20)),          # a dog taken for a cat
        (1, 0.8, (301, 301, 310, 310)),     # nothing there
        (2, 0.8, FAR),                      # a difficult dog
        (1, 0.7, (201, 1, 220, 20)),
        (1, 0.7, (241, 1, 260, 20)),
    ]
    analysis, _ = analysed(objects, found)
    assert analysis.point.threshold == 0.7
    assert analysis.counts == {
        "cat": {"duplicate": 1, "localisation": 1, "similar_class": 1, "background": 1, MISSED: 1},
        "dog": {"duplicate": 0, "localisation": 0, "similar_class": 0, "background": 0, MISSED: 1},
    }
    # Rows: background, cat, dog; the dog that is called a cat leaves no dog to miss.
    assert analysis.confusion.tolist() == [[0, 3, 0], [1, 3, 0], [0, 1, 0]]
    assert analysis.image_errors.tolist() == [6]
    assert analysis.found.tolist() == [True, False, False, False, True, True]


def test_what_a_repair_would_bring():
    objects = [(1, BOX, False), (2, FAR, False)]
    found = [(1, 0.9, (301, 301, 310, 310)), (1, 0.8, BOX)]
    analysis, scores = analysed(objects, found)
    assert (scores.map07, scores.map12) == (pytest.approx(0.25), pytest.approx(0.25))
    # Without the false alarm the cats are perfect; without the missed dog the dogs are.
    assert analysis.gains["background"] == (pytest.approx(0.25), pytest.approx(0.25))
    assert analysis.gains[MISSED] == (pytest.approx(0.5), pytest.approx(0.5))
    assert analysis.gains["duplicate"] == (0, 0)


def test_best_f1_takes_all_of_a_score_or_none():
    precision, recall = np.array([1.0, 0.5, 2 / 3]), np.array([0.5, 0.5, 1.0])
    point = best_f1(precision, recall, np.array([0.9, 0.4, 0.4]))
    assert (point.f1, point.threshold) == (pytest.approx(0.8), 0.4)
    point = best_f1(precision[:2], recall[:2], np.array([0.9, 0.9]))
    assert (point.f1, point.precision) == (pytest.approx(0.5), 0.5)


@pytest.mark.parametrize(("objects", "found"), [
    ([], []), ([(1, BOX, False)], []), ([], [(1, 0.9, BOX)]), ([(1, BOX, True)], [(1, 0.9, BOX)]),
])
def test_nothing_right_to_find(objects, found):
    analysis, scores = analysed(objects, found)
    assert analysis.point.f1 == 0
    assert class_best_f1(scores.classes[0]) is None
    assert analysis.counts["cat"][MISSED] == sum(not difficult for _, _, difficult in objects)


@settings(max_examples=100, deadline=None)
@given(random_sets())
def test_the_sums_agree(case):
    detections, truth = case
    scores = score(*case, NAMES)
    analysis = analyse(*case, NAMES, scores)
    outcomes = match(detections, truth, best_overlaps(*case))
    shown = detections.scores >= analysis.point.threshold
    tp = np.sum(shown & (outcomes == Outcome.TRUE_POSITIVE))
    fp = np.sum(shown & (outcomes == Outcome.FALSE_POSITIVE))
    objects = np.sum(~truth.difficults)
    # Every object that counts is in one row, every detection that counts in one column; the diagonal is what is right.
    assert analysis.confusion[1:].sum() == objects
    assert analysis.confusion[:, 1:].sum() == tp + fp
    assert np.trace(analysis.confusion) == tp == analysis.found.sum()
    errors = sum(sum(kinds.values()) for kinds in analysis.counts.values())
    assert errors == fp + objects - tp == analysis.image_errors.sum()
    if tp:
        assert analysis.point.precision == pytest.approx(tp / (tp + fp))
        assert analysis.point.recall == pytest.approx(tp / objects)
    assert all(gain >= -1e-12 for pair in analysis.gains.values() for gain in pair)
