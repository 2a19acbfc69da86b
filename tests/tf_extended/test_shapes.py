import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import tf_extended as tfe
from tf_extended.compat import tf


def test_static_shape_is_a_list_of_ints():
    with tf.Graph().as_default():
        assert tfe.get_shape(tf.zeros([2, 3, 5])) == [2, 3, 5]
        assert tfe.get_shape(tf.constant(1.0)) == []


def test_unknown_dimension_is_a_tensor_and_the_rest_are_ints():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 4])
        shape = tfe.get_shape(x)
        assert shape[1] == 4
        assert sess.run(shape[0], {x: [[0.0] * 4] * 7}) == 7


def test_unknown_rank_needs_to_be_told():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32)
        with pytest.raises(ValueError, match="rank"):
            tfe.get_shape(x)
        assert sess.run(tfe.get_shape(x, rank=2), {x: [[1.0, 2.0, 3.0]]}) == [1, 3]


@pytest.mark.parametrize("shape", [[2, 3], [None, 3]])
def test_another_rank_than_told_is_refused(shape):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="rank"):
        tfe.get_shape(tf.placeholder(tf.float32, shape), rank=4)


@pytest.mark.parametrize(("limit", "size"), [(3, 5), (5, 3)])
def test_at_most_of_numbers_and_tensors(limit, size):
    assert tfe.at_most(limit, size) == 3
    with tf.Graph().as_default(), tf.Session() as sess:
        assert sess.run(tfe.at_most(tf.constant(limit), size)) == 3
        assert sess.run(tfe.at_most(limit, tf.constant(size))) == 3


def test_reshape_list_by_hand():
    assert tfe.reshape_list(["a", ["b", "c"], ["d", "e"]]) == ["a", "b", "c", "d", "e"]
    assert tfe.reshape_list(["a", "b", "c", "d", "e"], [1, 2, 2]) == ["a", ["b", "c"], ["d", "e"]]
    assert tfe.reshape_list([], []) == []


@pytest.mark.parametrize("shape", [[1, 2], [2, 2, 1]])
def test_reshape_list_refuses_a_shape_that_does_not_fit(shape):
    with pytest.raises(ValueError, match="4 items"):
        tfe.reshape_list([1, 2, 3, 4], shape)


@settings(max_examples=50)
@given(st.lists(st.one_of(st.integers(), st.lists(st.integers(), min_size=2, max_size=7)), max_size=6))
def test_reshape_list_is_its_own_inverse(entries):
    shape = [len(entry) if isinstance(entry, list) else 1 for entry in entries]
    assert tfe.reshape_list(tfe.reshape_list(entries), shape) == entries
