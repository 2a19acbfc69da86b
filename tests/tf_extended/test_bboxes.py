"""Box arithmetic against hand-worked cases and naive loops, in NumPy and in the graph."""
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tf_extended as tfe
from tests.naive import naive_iou
from tf_extended.compat import tf

# Sixteen bits: exact in float32, and never the subnormal numbers that TensorFlow's kernels flush to zero.
coordinate = st.integers(0, 2**16).map(lambda number: number / 2**16)
quick = settings(max_examples=40)


@st.composite
def boxes(draw, min_size=0, max_size=6):
    values = draw(hnp.arrays(np.float32, (draw(st.integers(min_size, max_size)), 4), elements=coordinate))
    return np.concatenate([np.minimum(values[:, :2], values[:, 2:]), np.maximum(values[:, :2], values[:, 2:])], 1)


def run(tensor):
    with tf.Session() as sess:
        return sess.run(tensor)


def test_jaccard_by_hand():
    half = [0.0, 0.0, 0.5, 1.0]
    others = np.float32([[0, 0, 0.5, 1], [0.25, 0, 0.75, 1], [0.5, 0, 1, 1], [0.2, 0.2, 0.2, 0.9], [0, 0, 1, 1]])
    np.testing.assert_allclose(tfe.bboxes_jaccard(half, others), [1, 1 / 3, 0, 0, 0.5], rtol=1e-6)


def test_intersection_is_a_share_of_the_second_box():
    boxes_in = np.float32([[0, 0, 0.5, 0.5], [-0.5, 0, 0.5, 1], [2, 2, 3, 3], [0.3, 0.3, 0.3, 0.3]])
    np.testing.assert_allclose(tfe.bboxes_intersection([0, 0, 1, 1], boxes_in), [1, 0.5, 0, 0], rtol=1e-6)


@quick
@given(boxes(), boxes())
def test_pairwise_jaccard_is_the_naive_loop_in_both_libraries(a, b):
    expected = np.array([[naive_iou(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    found = tfe.pairwise_jaccard(a, b)
    assert found.dtype == np.float32
    # Relative to float32's resolution of coordinates: slivers thinner than that have no exact area.
    proper = [[min(x[2] - x[0], x[3] - x[1], y[2] - y[0], y[3] - y[1]) > 1e-3 for y in b] for x in a]
    np.testing.assert_allclose(found[np.array(proper, bool).reshape(found.shape)],
                               expected[np.array(proper, bool).reshape(found.shape)], atol=1e-3)
    assert ((found >= 0) & (found <= 1 + 1e-6)).all()
    with tf.Graph().as_default():
        np.testing.assert_array_equal(run(tfe.pairwise_jaccard(tf.constant(a), tf.constant(b))), found)


@quick
@given(boxes(1), boxes(1, 1))
def test_resize_and_its_inverse(bboxes, frame):
    frame = frame[0] + np.float32([0, 0, 0.1, 0.1])
    size = np.tile(frame[2:] - frame[:2], 2)
    seen = tfe.bboxes_resize(frame, bboxes)
    whole = tfe.bboxes_resize(frame, np.float32([0, 0, 1, 1]))
    np.testing.assert_allclose(tfe.bboxes_resize(whole, seen), bboxes, atol=1e-4)
    np.testing.assert_allclose(seen * size + np.tile(frame[:2], 2), bboxes, atol=1e-5)
    with tf.Graph().as_default():
        np.testing.assert_allclose(run(tfe.bboxes_resize(frame, tf.constant(bboxes))), seen, rtol=1e-6)


@quick
@given(boxes(), boxes(1, 1))
def test_clipped_boxes_lie_inside_and_are_never_inverted(bboxes, frame):
    clipped = tfe.bboxes_clip(frame[0], bboxes)
    assert (clipped[:, :2] <= clipped[:, 2:]).all()
    assert (clipped[:, 2:] <= frame[0, 2:]).all()
    np.testing.assert_array_equal(tfe.bboxes_clip(frame[0], clipped), clipped)
    with tf.Graph().as_default():
        np.testing.assert_array_equal(run(tfe.bboxes_clip(frame[0], tf.constant(bboxes))), clipped)


def test_clip_by_hand_and_by_class():
    bboxes = np.float32([[-0.1, 0.2, 0.5, 1.5], [1.2, 1.2, 1.4, 1.4]])
    expected = np.float32([[0, 0.2, 0.5, 1], [1, 1, 1, 1]])
    np.testing.assert_array_equal(tfe.bboxes_clip([0, 0, 1, 1], bboxes), expected)
    assert list(tfe.bboxes_clip([0, 0, 1, 1], {3: bboxes})) == [3]


@pytest.mark.parametrize("function", [tfe.bboxes_clip, tfe.bboxes_resize, tfe.bboxes_jaccard, tfe.bboxes_intersection])
@pytest.mark.parametrize("shape", [(2, 4), (3, 4), (2, 5, 4), (3, 3, 4), (2, 3, 5, 4)])
def test_a_reference_for_each_image(function, shape):
    """As many references as the first axis of the boxes is long: what a call for each of them gives."""
    corners = np.sort(np.random.default_rng(5).uniform(-0.2, 1.2, [2, *shape[:-1], 2]).astype(np.float32), axis=0)
    bboxes = np.concatenate([corners[0], corners[1]], axis=-1)
    refs = np.float32([[0, 0, 1, 1], [0.1, 0.2, 0.6, 0.5], [0.3, 0, 0.8, 0.9]])[:shape[0]]
    expected = np.stack([function(ref, image) for ref, image in zip(refs, bboxes, strict=True)])
    np.testing.assert_array_equal(function(refs, bboxes), expected)
    with tf.Graph().as_default():
        np.testing.assert_allclose(run(function(tf.constant(refs), tf.constant(bboxes))), expected, rtol=1e-6)
        unknown = tf.placeholder_with_default(bboxes, None)
        each = run(function(tf.constant(refs[1]), unknown[1]))
        np.testing.assert_allclose(each, expected[1], rtol=1e-6)


def test_filters():
    with tf.Graph().as_default():
        labels = tf.constant([1, 2, 3, 4], tf.int64)
        bboxes = tf.constant([[0.1, 0.1, 0.2, 0.2], [-0.1, 0, 0.1, 0.2], [-0.3, 0, 0.1, 0.2], [0.5, 0.9, 0.7, 1.2]])
        kept, _ = tfe.bboxes_filter_overlap(labels, bboxes, 0.5)
        assert run(kept).tolist() == [1, 2]  # exactly half stays: kept; 1/4 and 1/3: dropped
        signed, same = tfe.bboxes_filter_overlap(labels, bboxes, 0.5, assign_negative=True)
        assert run(signed).tolist() == [1, 2, -3, -4]
        assert same is bboxes
        assert run(tfe.bboxes_filter_center(labels, bboxes)[0]).tolist() == [1]  # centres at 0 and outside go
        assert run(tfe.bboxes_filter_center(labels, bboxes, [-0.05, 0, 0, 0.1])[0]).tolist() == [1, 2, 4]
        assert run(tfe.bboxes_filter_labels(labels, bboxes, [2], num_classes=4)[0]).tolist() == [1, 3]


@pytest.mark.parametrize("function", [tfe.bboxes_filter_overlap, tfe.bboxes_filter_center, tfe.bboxes_filter_labels])
def test_filters_of_no_boxes(function):
    with tf.Graph().as_default():
        labels, bboxes = function(tf.zeros([0], tf.int64), tf.zeros([0, 4]))
        assert run(labels).shape == (0,)
        assert run(bboxes).shape == (0, 4)


@quick
@given(boxes(), st.integers(0, 1))
def test_flip_mirrors_corners_and_back(bboxes, axis):
    other = 1 - axis
    in_numpy = tfe.bboxes_flip(bboxes, axis)
    with tf.Graph().as_default():
        in_graph = run(tfe.bboxes_flip(tf.constant(bboxes), axis))
    np.testing.assert_array_equal(in_numpy, in_graph)
    assert in_numpy.shape == bboxes.shape
    np.testing.assert_array_equal(in_numpy[:, axis] + bboxes[:, axis + 2], 1)
    np.testing.assert_array_equal(in_numpy[:, axis + 2] + bboxes[:, axis], 1)
    np.testing.assert_array_equal(in_numpy[:, [other, other + 2]], bboxes[:, [other, other + 2]])
    np.testing.assert_array_equal(tfe.bboxes_flip(in_numpy, axis), bboxes)


@quick
@given(boxes(), st.floats(-7, 7), st.floats(0.25, 4))
def test_turned_boxes_keep_their_centre_s_distance_and_a_half_turn_is_two_flips(bboxes, angle, aspect):
    in_numpy = tfe.bboxes_rotate(bboxes, angle, aspect)
    with tf.Graph().as_default():
        in_graph = run(tfe.bboxes_rotate(*(tf.constant(value, tf.float32) for value in (bboxes, angle, aspect))))
    np.testing.assert_allclose(in_numpy, in_graph, atol=1e-5)

    def distance(corners):
        return np.hypot((corners[:, 0] + corners[:, 2] - 1) * aspect, corners[:, 1] + corners[:, 3] - 1)
    np.testing.assert_allclose(distance(in_numpy), distance(bboxes), atol=1e-5)
    np.testing.assert_allclose(tfe.bboxes_rotate(bboxes, np.pi, aspect),
                               tfe.bboxes_flip(tfe.bboxes_flip(bboxes, 0), 1), atol=1e-5)


@pytest.mark.parametrize(("bad", "says"), [
    ([[0, 0, 1]], "shape"), ([[0, 0, 1.1, 1]], "box 0"), ([[0, 0, 1, 1], [0.5, 0, 0.4, 1]], "box 1"),
    ([[np.nan, 0, 1, 1]], "box 0"),
])
def test_the_box_contract_is_checked(bad, says):
    with pytest.raises(ValueError, match=says):
        tfe.check_bboxes(bad)
    assert tfe.check_bboxes([[0, 0, 1, 1]]).dtype == np.float32
