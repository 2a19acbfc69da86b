"""Joined pictures: every tile and box where it belongs, by hand."""
import numpy as np
import pytest

from preprocessing import mosaic
from tests.preprocessing.running import draw, run
from tf_extended.compat import tf

GREYS = (10, 60, 110, 160)


def samples(sizes=((40, 20), (30, 30), (25, 50), (60, 60))):
    """Four grey pictures of different sizes with 1, 2, 0 and 1 objects."""
    images = [np.full((*size, 3), grey, np.uint8) for size, grey in zip(sizes, GREYS, strict=True)]
    labels = [np.array(numbers, np.int64) for numbers in ([1], [2, 3], [], [4])]
    bboxes = [np.array(boxes, np.float32).reshape(-1, 4) for boxes in (
        [[0, 0, 1, 1]], [[0.5, 0.5, 1, 1], [0, 0, 0.5, 0.25]], [], [[0.25, 0.5, 0.75, 1.0]])]
    return [part for sample in zip(images, labels, bboxes, strict=True) for part in sample]


def triples(parts):
    return [tuple(parts[i:i + 3]) for i in range(0, len(parts), 3)]


def test_four_pictures_fill_a_quarter_each_and_their_boxes_go_with_them():
    image, labels, bboxes = run(lambda *parts: mosaic.join(triples(parts), 2, 2, side=16), *samples())
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    for (row, column), grey in zip([(0, 0), (0, 8), (8, 0), (8, 8)], GREYS, strict=True):
        assert (image[row:row + 8, column:column + 8] == grey).all()
    np.testing.assert_array_equal(labels, [1, 2, 3, 4])
    np.testing.assert_allclose(bboxes, [
        [0, 0, 0.5, 0.5], [0.25, 0.75, 0.5, 1], [0, 0.5, 0.25, 0.625], [0.625, 0.75, 0.875, 1]])


def test_two_pictures_stand_side_by_side():
    image, labels, bboxes = run(lambda *parts: mosaic.join(triples(parts)[:2], 1, 2, side=16), *samples())
    assert (image[:, :8] == GREYS[0]).all() and (image[:, 8:] == GREYS[1]).all()
    np.testing.assert_array_equal(labels, [1, 2, 3])
    np.testing.assert_allclose(bboxes, [[0, 0, 1, 0.5], [0.5, 0.75, 1, 1], [0, 0.5, 0.5, 0.625]])


def test_averages_of_pixels_are_rounded():
    picture = np.full((2, 2, 3), 10, np.uint8)
    picture[:, 0] = 13  # 11.5 on average
    image, _, _ = run(lambda *sample: mosaic.join([sample, sample], 1, 2, side=2), picture, np.int64([]),
                      np.zeros((0, 4), np.float32))
    assert set(image.ravel().tolist()) == {12}


def test_a_box_that_sticks_out_does_not_reach_into_the_neighbour():
    parts = samples()
    parts[2] = np.array([[0.5, 0.5, 1.2, 1.2]], np.float32)
    _, _, bboxes = run(lambda *parts: mosaic.join(triples(parts)[:2], 1, 2, side=16), *parts)
    np.testing.assert_allclose(bboxes[0], [0.5, 0.25, 1, 0.5])


def test_a_box_stays_on_its_pixels():
    picture = np.zeros((100, 80, 3), np.uint8)
    picture[20:60, 40:70] = 255
    box = np.array([[0.2, 0.5, 0.6, 0.875]], np.float32)
    label = np.array([1], np.int64)
    image, _, bboxes = run(lambda *sample: mosaic.join([sample] * 4, 2, 2, side=160), picture, label, box)
    for ymin, xmin, ymax, xmax in np.round(bboxes * 160).astype(int):
        inside = image[ymin:ymax, xmin:xmax]
        assert inside.min() == 255
        image[ymin:ymax, xmin:xmax] = 0
    assert image.max() == 0


@pytest.mark.parametrize(("probability", "expected"), [(0.0, {1}), (1.0, {3, 4}), (0.5, {1, 3, 4})])
def test_pictures_are_joined_as_often_as_asked(probability, expected):
    def build(*parts):
        first, *others = triples(parts)
        image, labels, bboxes = mosaic.maybe_join(probability, first, [lambda s=s: s for s in others])
        assert image.dtype == tf.uint8 and bboxes.shape.as_list() == [None, 4]
        return tf.shape(image), labels, bboxes

    drawn = draw(build, *samples(), times=60)
    counts = [len(labels) for _, labels, _ in drawn]
    assert set(counts) == expected
    assert abs(np.mean([count > 1 for count in counts]) - probability) < 0.2
    for size, labels, bboxes in drawn:
        assert len(labels) == len(bboxes)
        assert size.tolist() == ([40, 20, 3] if len(labels) == 1 else [mosaic.SIDE, mosaic.SIDE, 3])


def test_partners_that_are_not_needed_are_not_asked_for():
    """What is expensive about a partner is decoding it: nothing of it may run beside the branch."""
    calls = []

    def partner(parts):
        def decode():
            def count(image):
                calls.append(1)
                return image
            image, labels, bboxes = parts
            counted = tf.py_func(count, [image], tf.uint8)
            counted.set_shape([None, None, 3])
            return counted, labels, bboxes
        return decode

    def build(*parts):
        first, *others = triples(parts)
        return mosaic.maybe_join(0.3, first, [partner(other) for other in others])

    needed = {1: 0, 3: 1, 4: 3}
    drawn = draw(build, *samples(), times=30)
    assert len(calls) == sum(needed[len(labels)] for _, labels, _ in drawn) > 0


def test_the_layouts_need_as_many_partners_as_there_are():
    assert mosaic.PARTNERS == 3
    assert all(rows * columns <= mosaic.PARTNERS + 1 for rows, columns in mosaic.LAYOUTS)
