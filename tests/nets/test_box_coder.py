"""The box coder by hand and as an inverse pair, in NumPy and in the graph."""
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from nets import box_coder
from tests.nets import golden


def centred(values):
    """[N, 4] numbers in (0, 1) → boxes with their centre in the image and sides from .01 to 1: (cy, cx, h, w)."""
    return np.concatenate([values[:, :2], 0.01 + 0.99 * values[:, 2:]], 1)


def corners(boxes):
    cy, cx, h, w = boxes.T
    return np.stack([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2], 1)


def test_encode_by_hand():
    anchor = np.array([[0.5, 0.5, 0.2, 0.4]])
    box = np.array([[0.5, 0.3, 0.7, 0.7]])  # centre (.6, .5), h .2, w .4: half an anchor's height lower
    np.testing.assert_allclose(box_coder.encode(box, anchor, (0.1, 0.1, 0.2, 0.2)), [[0, 5, 0, 0]], atol=1e-12)
    box = np.array([[0.5 - 0.1 * np.e, 0.5 - 0.2 * np.e, 0.5 + 0.1 * np.e, 0.5 + 0.2 * np.e]])
    np.testing.assert_allclose(box_coder.encode(box, anchor, (0.1, 0.1, 0.2, 0.2)), [[0, 0, 5, 5]], atol=1e-12)


def test_order_is_x_y_w_h_and_each_has_its_scaling():
    anchor = np.array([[0.5, 0.5, 0.2, 0.4]])
    box = corners(np.array([[0.6, 0.9, 0.2 * np.e, 0.4 * np.e**2]]))
    np.testing.assert_allclose(box_coder.encode(box, anchor, (1, 2, 4, 8)), [[1.0, 0.25, 0.5, 0.125]], atol=1e-12)


numbers = hnp.arrays(np.float64, (5, 4), elements=st.floats(0, 1))


@given(numbers, numbers)
@settings(max_examples=30)
def test_decode_undoes_encode_and_the_reverse(boxes, anchors):
    boxes, anchors = corners(centred(boxes)), centred(anchors)
    offsets = box_coder.encode(boxes, anchors)
    np.testing.assert_allclose(box_coder.decode(offsets, anchors), boxes, atol=1e-9)
    np.testing.assert_allclose(box_coder.encode(box_coder.decode(offsets, anchors), anchors), offsets, atol=1e-7)


@pytest.mark.parametrize("function", [box_coder.encode, box_coder.decode])
def test_graph_equals_numpy(function):
    random = np.random.RandomState(0)
    anchors = centred(random.rand(7, 4)).astype(np.float32)
    values = corners(centred(random.rand(7, 4))).astype(np.float32)
    np.testing.assert_allclose(golden.run(function, values, anchors), function(values, anchors), rtol=1e-5, atol=1e-5)


def test_decode_by_hand_has_a_scaling_for_each_offset():
    anchor, offsets = np.array([[0.5, 0.5, 0.2, 0.4]]), np.array([[1.0, 0.25, 0.5, 0.125]])
    box = corners(np.array([[0.6, 0.9, 0.2 * np.e, 0.4 * np.e]]))
    np.testing.assert_allclose(box_coder.decode(offsets, anchor, (1, 2, 2, 8)), box, atol=1e-12)
