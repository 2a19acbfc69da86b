"""Average precision from ranked outcomes: figures worked by hand."""
import numpy as np
import pytest

from tf_extended.metrics import average_precision_voc07, average_precision_voc12, precision_recall


def curve(outcomes: str, objects: int):
    """Precision and recall of a ranking written as t (true), f (false), - (ignored)."""
    marks = np.array(list(outcomes))
    scores = -np.arange(len(marks), dtype=float)
    return precision_recall(objects, len(marks), marks == "t", marks == "f", scores)


def test_the_hand_case():
    precision, recall = curve("t-tff", 3)
    np.testing.assert_allclose(precision, [1, 1, 1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(recall, [1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert average_precision_voc07(precision, recall) == pytest.approx(7 / 11, abs=1e-12)
    assert average_precision_voc12(precision, recall) == pytest.approx(2 / 3, abs=1e-12)


def test_a_false_positive_in_front_and_an_envelope():
    precision, recall = curve("ftt", 2)
    np.testing.assert_allclose(precision, [0, 1 / 2, 2 / 3])
    # At every recall level the best precision that still comes is 2/3.
    assert average_precision_voc07(precision, recall) == pytest.approx(2 / 3, abs=1e-12)
    assert average_precision_voc12(precision, recall) == pytest.approx(2 / 3, abs=1e-12)


@pytest.mark.parametrize(("found", "objects", "levels"), [(3, 10, 3), (6, 10, 6), (7, 10, 7), (1, 10, 2), (10, 10, 11)])
def test_recall_levels_are_the_devkits_doubles(found, objects, levels):
    """0.3, 0.6 and 0.7 as i * 0.1 are a little larger than the literal, so a recall of exactly that misses them."""
    precision, recall = curve("t" * found, objects)
    assert average_precision_voc07(precision, recall) == pytest.approx(levels / 11, abs=1e-12)


@pytest.mark.parametrize(("outcomes", "objects"), [("", 3), ("", 0), ("--", 2), ("ff", 2), ("f", 0)])
def test_nothing_found_is_zero(outcomes, objects):
    precision, recall = curve(outcomes, objects)
    assert precision.shape == recall.shape == (len(outcomes),)
    assert average_precision_voc07(precision, recall) == 0
    assert average_precision_voc12(precision, recall) == 0


def test_order_is_by_score_and_ties_keep_theirs():
    tp = np.array([False, True, False, True])
    precision, _ = precision_recall(2, 4, tp, ~tp, np.array([0.5, 0.5, 0.5, 0.9]))
    np.testing.assert_allclose(precision, [1, 1 / 2, 2 / 3, 1 / 2])


def test_only_the_best_detections_count():
    tp = np.array([False, True, True])
    precision, recall = precision_recall(2, 2, tp, ~tp, np.array([0.1, 0.8, 0.9]))
    np.testing.assert_allclose(precision, [1, 1])
    np.testing.assert_allclose(recall, [1 / 2, 1])
