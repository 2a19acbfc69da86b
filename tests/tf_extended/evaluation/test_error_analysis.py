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
THIN = (1, 1, 1, 11)
THIRD = (201, 1, 220, 20)


def analysed(objects, found, names=NAMES, threshold=0.5):
    detections, truth = one_image(objects, found)
    scores = score(detections, truth, names, threshold)
    return analyse(detections, truth, names, scores, threshold), scores


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


def test_gains_by_both_rules():
    """One of three cats, behind a false alarm: precision 1/2 up to recall 1/3, and 1 without the false alarm."""
    analysis, _ = analysed([(1, BOX, False), (1, FAR, False), (1, THIRD, False)],
                           [(1, 0.9, (301, 301, 310, 310)), (1, 0.8, BOX)])
    # Four of the eleven points, and a third of the area.
    assert analysis.gains["background"] == (pytest.approx(4 / 11 * 0.5), pytest.approx(1 / 3 * 0.5))


def test_what_is_found_below_the_operating_point_is_not_missed_for_the_gains():
    """Four dogs that are none push the operating point above the second cat."""
    analysis, _ = analysed([(1, BOX, False), (1, FAR, False)], [(1, 0.9, BOX), *[(2, 0.8, FAR)] * 4, (1, 0.1, FAR)])
    assert analysis.point.threshold == 0.9
    assert analysis.counts["cat"][MISSED] == 1
    assert analysis.gains[MISSED] == (0, 0)


@pytest.mark.parametrize(("box", "found", "kind"), [
    (BOX, (1, 16, 20, 35), "localisation"),  # IoU 100 / 700
    (BOX, (1, 20, 20, 39), "background"),    # 20 / 780
    (THIN, (1, 10, 1, 20), "localisation"),  # 2 / 20, just enough
])
def test_a_box_beside_an_object_touches_it_by_a_tenth(box, found, kind):
    analysis, _ = analysed([(1, box, False), (1, FAR, False)], [(1, 0.9, FAR), (1, 0.9, found)])
    assert analysis.counts["cat"][kind] == 1


def test_a_low_matching_threshold_counts_for_the_confusion():
    analysis, _ = analysed([(2, BOX, False), (1, FAR, False)], [(1, 0.8, FAR), (1, 0.9, (1, 11, 20, 30))],
                           threshold=0.3)  # IoU 200 / 600
    assert analysis.confusion.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_a_high_matching_threshold_makes_a_loose_box_a_localisation_error():
    analysis, _ = analysed([(1, BOX, False), (1, FAR, False)], [(1, 0.9, FAR), (1, 0.9, (1, 5, 20, 24))],
                           threshold=0.75)  # IoU 320 / 480
    assert (analysis.counts["cat"]["localisation"], analysis.counts["cat"]["duplicate"]) == (1, 0)


def test_the_surest_of_two_other_classes_is_what_an_object_is_taken_for():
    analysis, _ = analysed([(1, BOX, False), (1, FAR, False), (1, THIRD, False)],
                           [(2, 0.6, BOX), (3, 0.8, BOX), (1, 0.5, FAR), (1, 0.5, THIRD)], NAMES | {3: "cow"})
    # The cat is taken for a cow; the dog is one where there is none.
    assert (analysis.confusion[1, 3], analysis.confusion[1, 2], analysis.confusion[0, 2]) == (1, 0, 1)


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
    assert (analysis.point.f1, analysis.point.threshold) == (0, 0.5)
    assert class_best_f1(scores.classes[0]) is None
    assert analysis.counts["cat"][MISSED] == sum(not difficult for _, _, difficult in objects)


@settings(max_examples=100)
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


def test_an_object_of_which_half_is_taken_for_another_class_is_mistaken():
    """Ten of the twenty rows: an IoU of exactly the threshold."""
    analysis, _ = analysed([(2, BOX, False), (1, FAR, False)], [(1, 0.8, FAR), (1, 0.9, (1, 1, 10, 20))])
    assert analysis.confusion.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
