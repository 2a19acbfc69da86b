"""Matching against naive loops over objects and anchors, on random, tied, empty and hopeless cases."""
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tf_extended as tfe
from nets import matching
from tests.naive import naive_iou
from tests.nets import golden
from tf_extended.compat import tf

NOTHING = [0.0, 0.0, 1.0, 1.0]


def naive_forced(overlaps):
    """Greedy bipartite matching, a pair at a time: the largest IoU; of equals the first object, first anchor."""
    owners = [-1] * overlaps.shape[1]
    waiting = set(range(overlaps.shape[0]))
    while True:
        pairs = [(-overlaps[n, k], n, k) for n in waiting for k in range(len(owners)) if owners[k] < 0 < overlaps[n, k]]
        if not pairs:
            return owners
        _, n, k = min(pairs)
        owners[k] = n
        waiting.remove(n)


def naive_match(labels, bboxes, anchors, num_classes, strategy):
    overlaps = np.array([[naive_iou(box, anchor) if label < num_classes else 0.0 for anchor in anchors]
                         for label, box in zip(labels, bboxes, strict=True)]).reshape(len(labels), len(anchors))
    forced = naive_forced(overlaps) if strategy == "paper" else [-1] * len(anchors)
    result = []
    for k in range(len(anchors)):
        best, score = -1, 0.0
        for n in range(len(labels)):
            if overlaps[n, k] > score:
                best, score = n, overlaps[n, k]
        if forced[k] >= 0:
            best, score = forced[k], 1.0
        result.append((labels[best], list(bboxes[best]), score) if best >= 0 else (0, NOTHING, 0.0))
    return result


def random_boxes(random, count, smallest=0.05):
    corner = random.uniform(0, 0.7, (count, 2))
    return np.concatenate([corner, corner + random.uniform(smallest, 0.5, (count, 2))], 1).astype(np.float32)


def check(labels, bboxes, anchors, num_classes, strategy):
    labels, bboxes = np.asarray(labels, np.int64), np.asarray(bboxes, np.float32).reshape(-1, 4)
    got = golden.run(lambda lab, box: matching.match(lab, box, anchors, num_classes, strategy), labels, bboxes)
    expected = naive_match(labels.tolist(), bboxes.astype(float), anchors.astype(float), num_classes, strategy)
    assert got[0].tolist() == [label for label, _, _ in expected]
    np.testing.assert_allclose(got[1], [box for _, box, _ in expected])
    np.testing.assert_allclose(got[2], [score for _, _, score in expected], atol=1e-6)
    return got


@pytest.mark.parametrize("strategy", matching.STRATEGIES)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
def test_equals_naive_loop(strategy, count):
    random = np.random.RandomState(count)
    labels, _, scores = check(random.randint(1, 5, count), random_boxes(random, count), random_boxes(random, 40), 4,
                              strategy)
    assert ((scores > 0) == (labels > 0)).all()


def test_every_object_gets_an_anchor_of_its_own_under_the_paper_rule():
    anchors = random_boxes(np.random.RandomState(1), 30)
    same = np.tile(anchors[:1] + 0.01, (6, 1))
    labels, _, scores = check([1, 2, 3, 4, 5, 6], same, anchors, 10, "paper")
    assert set(labels[scores == 1.0]) == {1, 2, 3, 4, 5, 6}


def test_a_forced_anchor_leaves_its_better_object_to_another_anchor():
    anchors = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 1, 1]], np.float32)
    # Object 1 overlaps only anchor 0, and less than object 0 does; object 0 has anchor 0 as its favourite.
    labels, _, scores = check([1, 2], [[0, 0, 0.4, 0.4], [0, 0, 0.2, 0.2]], anchors, 3, "paper")
    assert labels.tolist() == [1, 0]
    assert scores.tolist() == [1.0, 0.0]


def test_the_first_object_keeps_its_forced_anchor_where_another_overlaps_it_more():
    anchors = np.array([[0, 0, 0.4, 0.4], [0, 0, 0.41, 0.4], [0.5, 0.5, 1, 1]], np.float32)
    # The second object fits anchor 1 best, anchor 0 nearly as well; the first is small and has what is left of them.
    labels, _, scores = check([1, 2], [[0, 0, 0.2, 0.2], [0, 0, 0.41, 0.4]], anchors, 3, "paper")
    assert labels.tolist() == [1, 2, 0]
    assert scores.tolist() == [1.0, 1.0, 0.0]


def test_ties_go_to_the_first_object():
    anchors = np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.5]], np.float32)
    labels, _, _ = check([3, 2], [[0.1, 0.1, 0.5, 0.5]] * 2, anchors, 5, "slim")
    assert labels.tolist() == [3, 3]
    labels, _, _ = check([3, 2], [[0.1, 0.1, 0.5, 0.5]] * 2, anchors, 5, "paper")
    assert labels.tolist() == [3, 2]


@pytest.mark.parametrize("strategy", matching.STRATEGIES)
@pytest.mark.parametrize("box", [[0.3, 0.3, 0.3, 0.6], [0.6, 0.3, 0.3, 0.6], [0.6, 0.6, 0.3, 0.3], [0, 0, 0, 0]])
def test_empty_and_inverted_boxes_never_match(strategy, box):
    labels, bboxes, scores = check([1], [box], random_boxes(np.random.RandomState(2), 20), 3, strategy)
    assert not labels.any()
    assert not scores.any()
    np.testing.assert_array_equal(bboxes, [NOTHING] * 20)


@pytest.mark.parametrize("strategy", matching.STRATEGIES)
def test_labels_beyond_the_classes_never_match(strategy):
    boxes = random_boxes(np.random.RandomState(3), 4)
    labels, _, _ = check([2, 3, 1, 99], boxes, random_boxes(np.random.RandomState(4), 50), 3, strategy)
    assert set(labels.tolist()) <= {0, 1, 2}


def grid(count, sizes):
    """Anchors on a grid of `count` x `count` centres, each of every (height, width) of `sizes`: sides that repeat."""
    centres = (np.arange(count) + 0.5) / count
    return np.array([[y - h / 2, x - w / 2, y + h / 2, x + w / 2] for y in centres for x in centres for h, w in sizes],
                    np.float32)


ANCHORS = {
    "grid": grid(4, [(0.3, 0.3), (0.2, 0.4), (0.4, 0.2), (0.3, 0.3)]),
    "no grid": random_boxes(np.random.RandomState(5), 40),
    "one": np.array([[0.2, 0.1, 0.6, 0.7]], np.float32),
    "degenerate": np.array([[0.2, 0.2, 0.2, 0.6], [0.6, 0.2, 0.3, 0.6], [0.6, 0.6, 0.3, 0.3], [0.5, 0.5, 0.5, 0.5],
                            [0, 0, 0, 0], [-0.2, -0.1, 0.3, 0.3], [0.1, 0.1, 0.9, 0.9]], np.float32),
}


@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("kind", ANCHORS)
def test_overlaps_equal_a_float32_loop_to_the_last_bit(kind, count):
    def area(box):
        return (box[3] - box[1]) * (box[2] - box[0])

    def overlap(anchor, box):  # of float32 scalars; the order of the union's sum is that of the documented encoder
        height = min(box[2], anchor[2]) - max(box[0], anchor[0])
        width = min(box[3], anchor[3]) - max(box[1], anchor[1])
        inter = height * width
        return inter / (area(anchor) - inter + area(box)) if height > 0 and width > 0 else 0.0

    anchors = ANCHORS[kind]
    degenerate = [[0.5, 0.2, 0.5, 0.8], [0.6, 0.1, 0.4, 0.8], [0.6, 0.6, 0.4, 0.4], [0, 0, 0, 0]]
    upside_down = anchors[:1, [2, 1, 0, 3]]  # its area is that of the anchor, negative: their union would be 0
    boxes = np.concatenate([random_boxes(np.random.RandomState(count), count), anchors[:1], upside_down, degenerate])
    boxes = boxes.astype(np.float32) if count else np.zeros((0, 4), np.float32)
    got, best, owners = golden.run(lambda box: matching.compare(box, anchors), boxes)
    expected = np.array([[overlap(anchor, box) for anchor in anchors] for box in boxes], np.float32)
    expected = expected.reshape(len(boxes), len(anchors))
    np.testing.assert_array_equal(got, expected, strict=True)
    with_nobody = np.concatenate([np.zeros((1, len(anchors)), np.float32), expected])
    np.testing.assert_array_equal(best, with_nobody.max(axis=0), strict=True)
    np.testing.assert_array_equal(owners, with_nobody.argmax(axis=0) - 1)


@pytest.mark.parametrize("strategy", matching.STRATEGIES)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
def test_anchors_and_objects_on_grids_tie_as_in_the_naive_loop(strategy, count):
    # Eighths, and areas and sums of them, are exact in float32: every tie of the loop is one of ours.
    anchors = grid(4, [(0.25, 0.25), (0.5, 0.5), (0.25, 0.5), (0.5, 0.25)])
    random = np.random.RandomState(count)
    corner = random.randint(0, 5, (count, 2)) / 8
    boxes = np.concatenate([corner, corner + random.randint(0, 4, (count, 2)) / 8], 1)  # some of them empty
    labels, _, scores = check(random.randint(1, 5, count), boxes, anchors, 4, strategy)
    assert ((scores > 0) == (labels > 0)).all()


overlap_matrices = hnp.arrays(  # of few values that float32 holds exactly, so that many are equal
    np.float32, st.tuples(st.integers(0, 5), st.integers(1, 6)), elements=st.sampled_from([0.0, 0.125, 0.25, 0.75]))


def test_forced_matches_equal_the_greedy_loop_with_many_ties():
    with tf.Graph().as_default(), tf.Session() as sess:
        fed = tf.placeholder(tf.float32, [None, None])
        owners = matching.forced_matches(fed)

        @given(overlap_matrices)
        @settings(max_examples=150)
        def check_one(overlaps):
            assert sess.run(owners, {fed: overlaps}).tolist() == naive_forced(overlaps)

        check_one()


def test_nan_boxes_are_refused_not_matched():
    with pytest.raises(Exception, match="boxes of the objects"):
        golden.run(lambda lab, box: matching.match(lab, box, np.eye(4, dtype=np.float32), 3),
                   np.array([1]), np.array([[0, 0, np.nan, 1]], np.float32))


def test_unknown_strategy_is_named():
    with pytest.raises(tfe.InputError, match="hungarian.*slim, paper"):
        matching.match(None, None, None, 2, "hungarian")


def test_ignored_regions_by_hand():
    anchors = np.array([[0, 0, 0.2, 0.2], [0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 1, 1], [0, 0, 0.4, 0.4]], np.float32)
    scores = np.array([0.0, 0.3, 0.0, 0.8], np.float32)
    region = np.array([[0, 0, 0.5, 0.5], [0, 0, 1, 1]], np.float32)

    def build(scores, labels, boxes):
        return matching.ignore_unannotated(scores, labels, boxes, anchors, 21, 0.5)

    got = golden.run(build, scores, np.array([21, 3]), region)
    np.testing.assert_allclose(got, [-1, -1, 0, 0.8])  # the last one matches an object well: it still trains
    np.testing.assert_allclose(golden.run(build, scores, np.array([3, 3]), region), scores)
    # Exactly the threshold's share is not more than it.
    half = np.array([[0, 0, 0.5, 1]], np.float32)
    whole = np.array([[0, 0, 1, 1]], np.float32)
    got = golden.run(lambda s, b: matching.ignore_unannotated(s, tf.constant([21]), b, whole, 21, 0.5),
                     np.zeros(1, np.float32), half)
    assert got.tolist() == [0]
