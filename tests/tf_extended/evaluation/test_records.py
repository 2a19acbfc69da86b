"""Columns and pixels."""
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tf_extended.evaluation.cases import naive_iou
from tf_extended.evaluation.records import make_detections, make_ground_truth, pixel_jaccard, select_rows, to_pixels

sizes = st.integers(1, 5000)


@settings(max_examples=200)
@given(sizes, sizes, st.data())
def test_whole_pixels_survive_the_shards(height, width, data):
    """Annotations are stored as float32 pixel / size; the pixels come back exactly."""
    box = [data.draw(st.integers(0, side)) for side in (height, width, height, width)]
    stored = (np.array([box], np.float64) / [height, width, height, width]).astype(np.float32)
    assert to_pixels(stored, height, width).tolist() == [box]


def test_parts_of_pixels_stay():
    np.testing.assert_allclose(to_pixels([[0.25, 0.1, 0.505, 0.2]], 10, 7), [[2.5, 0.7, 5.05, 1.4]], atol=1e-6)
    assert to_pixels(np.zeros((0, 4)), 10, 7).shape == (0, 4)


def test_iou_of_inclusive_pixels():
    a = np.array([[1.0, 1, 10, 10], [3, 4, 3, 4], [5, 5, 4, 4]])
    b = np.array([[1.0, 1, 10, 5], [10, 10, 20, 20], [3, 4, 3, 4]])
    expected = [[naive_iou(x, y) for y in b] for x in a]
    np.testing.assert_allclose(pixel_jaccard(a, b), expected, atol=1e-12)


def test_columns_of_images_without_anything():
    truth = make_ground_truth([("a", [], [], []), ("b", [2], [(1, 2, 3, 4)], [True]), ("c", [], [], [])])
    assert truth.image_ids == ["a", "b", "c"]
    assert (truth.images.tolist(), truth.labels.tolist(), truth.difficults.tolist()) == ([1], [2], [True])
    assert truth.bboxes.tolist() == [[1, 2, 3, 4]]
    assert make_detections([]).bboxes.shape == (0, 4)


def test_selected_rows_keep_together():
    detections = make_detections([(0, [1, 2], [0.5, 0.7], [(1, 1, 2, 2), (3, 3, 4, 4)])])
    chosen = select_rows(detections, detections.scores > 0.6)
    assert (chosen.labels.tolist(), chosen.bboxes.tolist()) == ([2], [[3, 3, 4, 4]])
