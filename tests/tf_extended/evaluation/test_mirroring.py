"""Mirror images and their agreement, against NumPy and a plain loop over boxes."""
import numpy as np
import pytest

from tests.tf_extended.test_bboxes import naive_iou as iou
from tf_extended.compat import tf
from tf_extended.evaluation import mirroring

VIEWS = {"none": 1, "horizontal": 2, "vertical": 2, "both": 4}


def run(build):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build())


def mirrored_box(box, axes):
    ymin, xmin, ymax, xmax = box
    if 0 in axes:
        ymin, ymax = 1 - ymax, 1 - ymin
    if 1 in axes:
        xmin, xmax = 1 - xmax, 1 - xmin
    return [ymin, xmin, ymax, xmax]


def naive_agreement(views, nms_threshold, count):
    """The (score, box) pairs of one image and class; views: lists of (score, box) in the picture's own frame."""
    everyone = sorted(((score, box) for view in views for score, box in view), key=lambda pair: -pair[0])
    chosen = []
    for _, box in everyone:
        if len(chosen) < count and all(iou(box, other) <= nms_threshold for other in chosen):
            chosen.append(box)
    votes = [[(0.0, box)] * len(views) for box in chosen]
    for number, view in enumerate(views):
        for score, box in view:
            of = next((i for i, other in enumerate(chosen) if iou(box, other) >= max(0.5, nms_threshold)), None)
            if of is not None and score > votes[of][number][0]:
                votes[of][number] = (score, box)
    agreed = []
    for row in votes:
        total = sum(score for score, _ in row)
        agreed.append((total / len(views), np.sum([score * np.array(box) for score, box in row], axis=0) / total))
    return sorted(agreed, key=lambda pair: -pair[0])


@pytest.mark.parametrize("flips", sorted(VIEWS))
def test_views_of_a_batch(flips):
    images = np.arange(2 * 2 * 3 * 3, dtype=np.float32).reshape(2, 2, 3, 3)
    expected = {"none": [images], "horizontal": [images, images[:, :, ::-1]], "vertical": [images, images[:, ::-1]],
                "both": [images, images[:, ::-1], images[:, :, ::-1], images[:, ::-1, ::-1]]}[flips]
    got = run(lambda: mirroring.mirrored(tf.constant(images), flips))
    np.testing.assert_array_equal(got, np.concatenate(expected))


def test_boxes_of_the_views_go_back_by_hand():
    there = [[.1, .2, .4, .8], [.6, .2, .9, .8], [.1, .3, .4, .7], [.5, .6, .9, .7]]
    boxes = np.array(there, np.float32)[:, None]  # [V * B, boxes, 4]: four views of one picture
    got = run(lambda: mirroring.unmirrored(tf.constant(boxes), "both"))
    expected = [[.1, .2, .4, .8], [.1, .2, .4, .8], [.1, .3, .4, .7], [.1, .3, .5, .4]]
    np.testing.assert_allclose(got[:, 0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("flips", ["horizontal", "vertical", "both"])
@pytest.mark.parametrize(("seed", "nms_threshold"), [(0, 0.45), (1, 0.45), (2, 0.3), (3, 0.7)])
def test_agreement_equals_a_plain_loop(flips, seed, nms_threshold):
    rng, batch, n_classes, count = np.random.default_rng(seed), 2, 2, 12
    n_views, axes = VIEWS[flips], mirroring.VIEWS[flips]
    scores = np.zeros([n_views, batch, n_classes, count], np.float32)
    bboxes = np.zeros([n_views, batch, n_classes, count, 4], np.float32)
    objects = rng.uniform(0, .7, [batch, n_classes, 5, 2])
    found = {}
    for view, image, label in np.ndindex(n_views, batch, n_classes):
        n = int(rng.integers(0, count + 1))
        corner = objects[image, label][rng.integers(0, 5, n)] + rng.normal(0, .03, [n, 2])
        boxes = np.clip(np.concatenate([corner, corner + rng.uniform(.15, .3, [n, 2])], axis=1), 0, 1)
        values = np.sort(rng.uniform(.01, 1, n))[::-1]
        scores[view, image, label, :n] = values
        bboxes[view, image, label, :n] = np.array([mirrored_box(box, axes[view]) for box in boxes]).reshape(-1, 4)
        found[view, image, label] = list(zip(values, boxes, strict=True))
    got_scores, got_boxes = run(lambda: mirroring.agree(
        tf.constant(scores.reshape(-1, n_classes, count)), tf.constant(bboxes.reshape(-1, n_classes, count, 4)), flips,
        nms_threshold, 0.0))
    assert got_scores.shape == (batch, n_classes, count)
    for image, label in np.ndindex(batch, n_classes):
        expected = naive_agreement([found[view, image, label] for view in range(n_views)], nms_threshold, count)
        np.testing.assert_allclose(got_scores[image, label, :len(expected)], [s for s, _ in expected], atol=1e-5)
        np.testing.assert_allclose(got_boxes[image, label, :len(expected)].reshape(-1, 4),
                                   np.reshape([b for _, b in expected], [-1, 4]), atol=1e-5)
        assert not got_scores[image, label, len(expected):].any()


def test_one_view_alone_gets_its_share_and_nothing_stays_nothing():
    scores = np.zeros([4, 1, 3], np.float32)
    bboxes = np.zeros([4, 1, 3, 4], np.float32)
    scores[1, 0, 0], bboxes[1, 0, 0] = 0.8, [.6, .2, .9, .8]  # the vertical view's
    got_scores, got_boxes = run(lambda: mirroring.agree(tf.constant(scores), tf.constant(bboxes), "both", 0.45, 0.0))
    np.testing.assert_allclose(got_scores, [[[0.2, 0, 0]]], atol=1e-6)
    np.testing.assert_allclose(got_boxes[0, 0, 0], [.1, .2, .4, .8], atol=1e-6)
    nothing, _ = run(lambda: mirroring.agree(tf.zeros([4, 1, 3]), tf.zeros([4, 1, 3, 4]), "both", 0.45, 0.0))
    assert nothing.shape == (1, 1, 3)
    assert not nothing.any()


def test_two_objects_that_suppression_keeps_apart_stay_two():
    """Their boxes overlap by .579, and both views see both."""
    bboxes = np.tile(np.array([[0, .2, .6, .8], [.16, .2, .76, .8]], np.float32), [2, 1, 1, 1])
    scores = np.tile(np.array([.9, .8], np.float32), [2, 1, 1])
    for threshold, expected in ((.7, [.9, .8]), (.45, [.9, 0])):
        got, boxes = run(lambda threshold=threshold: mirroring.agree(
            tf.constant(scores), tf.constant(bboxes), "horizontal", threshold, 0.0))
        np.testing.assert_allclose(got[0, 0], expected, atol=1e-6)
    np.testing.assert_allclose(boxes[0, 0, 0], bboxes[0, 0, 0], atol=1e-6)


def test_the_threshold_is_for_what_is_agreed_on():
    scores = np.zeros([2, 1, 2], np.float32)
    bboxes = np.zeros([2, 1, 2, 4], np.float32)
    bboxes[:, 0, 0], bboxes[:, 0, 1] = [.1, 0, .4, 1], [.6, 0, .9, 1]
    scores[:, 0, 0], scores[:, 0, 1] = [.9, .4], [.7, .2]  # of the horizontal view the same boxes, less sure
    got_scores, got_boxes = run(
        lambda: mirroring.agree(tf.constant(scores), tf.constant(bboxes), "horizontal", .45, .5))
    np.testing.assert_allclose(got_scores, [[[.65, 0]]], atol=1e-6)
    np.testing.assert_allclose(got_boxes[0, 0], [[.1, 0, .4, 1], [0, 0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(("flips", "threshold", "expected"), [
    ("none", .5, .5), ("both", .5, .01), ("horizontal", .001, .001), ("vertical", .01, .01)])
def test_views_vote_from_a_low_score_on(flips, threshold, expected):
    assert mirroring.vote_threshold(flips, threshold) == expected
