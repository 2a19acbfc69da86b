"""Sorting, suppression and matching of scored boxes against naive loops and hand-worked cases."""
import numpy as np
import pytest

import tf_extended as tfe
from tests.naive import naive_iou
from tests.tf_extended.test_bboxes import run
from tf_extended.compat import tf


def naive_nms(scores, bboxes, threshold, limit):
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if all(naive_iou(bboxes[i], bboxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept[:limit]


@pytest.mark.parametrize("seed", range(5))
def test_sort_and_nms_are_the_naive_loop(seed):
    random = np.random.RandomState(seed)
    scores = random.rand(3, 40).astype(np.float32)
    corner = random.rand(3, 40, 2).astype(np.float32) * 0.5
    bboxes = np.concatenate([corner, corner + 0.1 + random.rand(3, 40, 2).astype(np.float32) * 0.3], 2)
    with tf.Graph().as_default():
        ordered = tfe.bboxes_sort({1: tf.constant(scores)}, {1: tf.constant(bboxes)}, top_k=30)
        best, found = run(tfe.bboxes_nms_batch(*ordered, nms_threshold=0.45, keep_top_k=12))
    for image in range(3):
        top = np.argsort(-scores[image], kind="stable")[:30]
        kept = top[naive_nms(scores[image][top], bboxes[image][top], 0.45, 12)]
        np.testing.assert_array_equal(best[1][image][:len(kept)], scores[image][kept])
        np.testing.assert_array_equal(found[1][image][:len(kept)], bboxes[image][kept])
        assert not best[1][image][len(kept):].any()


def test_suppression_keeps_the_order_of_ties():
    """40 boxes apart from one another, 30 of them of one score: the first ones stay, as one image alone keeps them."""
    scores = np.float32([[0.75] * 30 + [0.5] * 5 + [1.0] * 5])
    bboxes = np.float32([[[i, 0, i + 0.5, 1] for i in range(40)]])
    with tf.Graph().as_default():
        best, found = run(tfe.bboxes_nms_batch(tf.constant(scores), tf.constant(bboxes), keep_top_k=8))
        alone = run(tfe.bboxes_nms(tf.constant(scores[0]), tf.constant(bboxes[0]), keep_top_k=8))
    assert found[0, :, 0].tolist() == [35, 36, 37, 38, 39, 0, 1, 2]
    assert best.tolist() == [[1.0] * 5 + [0.75] * 3]
    np.testing.assert_array_equal(alone[1], found[0])


def test_sort_keeps_the_order_of_ties_and_takes_fewer_than_top_k():
    with tf.Graph().as_default():
        bboxes = tf.constant(np.arange(12, dtype=np.float32).reshape(1, 3, 4))
        scores, ordered = run(tfe.bboxes_sort(tf.constant([[0.5, 0.5, 0.9]]), bboxes, top_k=400))
    assert scores.tolist() == [[np.float32(0.9), 0.5, 0.5]]
    assert ordered[0, :, 0].tolist() == [8, 0, 4]


GTRUTH = np.float32([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0, 0.5, 0.5, 1]])
MATCHING = [
    # detections best first, labels of objects, difficult; expected objects, tp, fp
    ("exact then duplicate", GTRUTH[[0, 0]], [1, 1, 1], [0, 0, 0], 3, [1, 0], [0, 1]),
    ("difficult is ignored twice", GTRUTH[[1, 1]], [1, 1, 1], [0, 1, 0], 2, [0, 0], [0, 0]),
    ("another class", GTRUTH[[0]], [2, 1, 1], [0, 0, 0], 2, [0], [1]),
    ("no object of the class", GTRUTH[[0]], [2, 2, 2], [0, 0, 0], 0, [0], [1]),
    # Of the first object, IoU 1/2 (the devkit's "at least"), then less than that, then more.
    ("just enough", np.float32([[0, 0, 0.25, 0.5]]), [1, 1, 1], [0, 0, 0], 3, [1], [0]),
    ("not enough", np.float32([[0, 0, 0.249, 0.5]]), [1, 1, 1], [0, 0, 0], 3, [0], [1]),
    ("more than enough", np.float32([[0, 0, 0.3, 0.5]]), [1, 1, 1], [0, 0, 0], 3, [1], [0]),
    ("no detection", GTRUTH[:0], [1, 1, 1], [0, 0, 0], 3, [], []),
]


@pytest.mark.parametrize("case", MATCHING, ids=lambda case: case[0])
def test_matching_by_hand(case):
    _, bboxes, labels, difficult, objects, tp, fp = case
    arguments = [1, np.full(len(bboxes), 0.9, np.float32), bboxes, np.array(labels), GTRUTH, np.array(difficult)]
    results = [tfe.bboxes_matching(*arguments)]
    with tf.Graph().as_default():
        results.append(run(tfe.bboxes_matching(*(tf.constant(a) for a in arguments))))
    for found in results:
        assert found[0] == objects
        assert found[1].tolist() == [bool(v) for v in tp]
        assert found[2].tolist() == [bool(v) for v in fp]


def test_the_matching_threshold_is_the_arguments():
    for threshold, right in ((0.45, True), (0.55, False)):
        _, tp, fp = tfe.bboxes_matching(1, np.float32([0.9]), np.float32([[0, 0, 0.25, 0.5]]), np.array([1, 1, 1]),
                                        GTRUTH, np.zeros(3), threshold)
        assert (tp.tolist(), fp.tolist()) == ([right], [not right])


def test_suppression_in_other_float_types():
    scores, bboxes = np.array([[0.9, 0.8, 0.7]]), np.array([[[0, 0, 1, 1], [0, 0, 1, 0.875], [0, 0, 0.25, 0.25]]])
    for dtype in (tf.float16, tf.float64):
        with tf.Graph().as_default():
            kept = tfe.bboxes_nms_batch(tf.constant(scores, dtype), tf.constant(bboxes, dtype), 0.5, keep_top_k=2)
            assert [part.dtype for part in kept] == [dtype, dtype]
            best, found = run(kept)
            of_one = tfe.bboxes_nms(tf.constant(scores[0], dtype), tf.constant(bboxes[0], dtype), 0.5, keep_top_k=2)
            assert [part.dtype for part in of_one] == [dtype, dtype]
            best_of_one, found_of_one = run(of_one)
        np.testing.assert_allclose([best[0], best_of_one], [[0.9, 0.7]] * 2, rtol=1e-3)
        np.testing.assert_array_equal([found[0], found_of_one], bboxes[[0, 0]][:, [0, 2]])


def test_arrays_do_as_well_as_tensors():
    scores, bboxes = np.float32([[0.2, 0.9]]), np.float32([[[0, 0, 1, 1], [0, 0, 0.25, 0.25]]])
    with tf.Graph().as_default():
        results = run([tfe.bboxes_sort(scores, bboxes), tfe.bboxes_nms_batch(scores, bboxes, keep_top_k=2)])
    for best, found in results:
        np.testing.assert_array_equal(best, scores[:, ::-1])
        np.testing.assert_array_equal(found, bboxes[:, ::-1])


def test_matching_counts_no_padding():
    _, tp, fp = tfe.bboxes_matching(1, np.float32([0.9, 0]), GTRUTH[[0, 1]], np.array([1, 1, 1]), GTRUTH, np.zeros(3))
    assert tp.tolist() == [True, False]
    assert fp.tolist() == [False, False]
