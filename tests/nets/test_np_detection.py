"""Detections outside the graph against the golden values, the graph's, and cases by hand."""
import numpy as np
import pytest

from nets import np_detection, ssd_vgg_300
from tests.nets import golden
from tests.nets.test_detection import detect, random_detections
from tests.shared_data import needs_shared
from tf_extended.compat import tf

NET = ssd_vgg_300.SSDNet()


@needs_shared
@pytest.mark.parametrize(("name", "threshold"), [("np05", 0.5), ("np02", 0.2)])
def test_equals_golden(name, threshold):
    values = golden.load("decode_nms")
    seed, batch, background = values["b1_meta"]
    predictions, localisations = golden.inputs().predictions(int(seed), int(batch), background)
    decoded = NET.bboxes_decode(localisations, NET.anchors())
    assert len(np_detection.np_select(predictions, decoded, threshold)[0]) == values[f"b1_{name}_n_selected"]
    classes, scores, bboxes = np_detection.np_detected_bboxes(predictions, decoded, threshold)
    np.testing.assert_array_equal(classes, values[f"b1_{name}_classes"])
    np.testing.assert_allclose(scores, values[f"b1_{name}_scores"], atol=1e-5)
    np.testing.assert_allclose(bboxes, values[f"b1_{name}_bboxes"], atol=1e-5)
    _, _, resized = np_detection.np_detected_bboxes(predictions, decoded, threshold, resize_bbox=(0.1, 0.05, 0.9, 0.8))
    np.testing.assert_allclose(resized, values[f"b1_{name}_bboxes_resized"], atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_graph(seed):
    predictions, boxes = random_detections(seed, batch=1)
    arguments = {"select_threshold": 0.1, "nms_threshold": 0.4, "clipping_bbox": (0.0, 0.0, 1.0, 1.0)}
    classes, scores, bboxes = np_detection.np_detected_bboxes(predictions, boxes, top_k=1000, **arguments)
    # The graph clips after the suppression; here the boxes are clipped before, as the network saw them.
    clipped = [np.clip(layer, 0, 1) for layer in boxes]
    graph_scores, graph_boxes = detect(predictions, clipped, **arguments)
    for label, expected in graph_scores.items():
        selected = expected[0] > 0
        np.testing.assert_allclose(scores[classes == label], expected[0][selected], atol=1e-6)
        np.testing.assert_allclose(bboxes[classes == label], graph_boxes[label][0][selected], atol=1e-6)


def test_without_a_threshold_each_anchor_counts_once():
    predictions = [np.array([[0.1, 0.6, 0.3], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], np.float32)]
    boxes = [np.array([[0, 0, 0.1, 0.1], [0, 0, 0.2, 0.2], [0, 0, 0.3, 0.3]], np.float32)]
    classes, scores, selected = np_detection.np_select(predictions, boxes, None)
    assert classes.tolist() == [1, 2]
    np.testing.assert_allclose(scores, [0.6, 0.5])
    np.testing.assert_allclose(selected[:, 2], [0.1, 0.3])


def test_a_probability_of_just_the_threshold_goes_and_equals_keep_the_order_of_anchors():
    predictions = [np.array([[0.5, 0.5], [0.3, 0.7], [0.3, 0.7]])]
    boxes = [np.array([[0, 0, 0.1, 0.1], [0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]])]
    _, _, found = np_detection.np_detected_bboxes(predictions, boxes, 0.5)
    assert found[:, 2].tolist() == [0.2, 0.9]


def test_suppression_by_hand():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 1, 0.9], [0, 0, 1, 0.5], [0, 0, 0, 0]], np.float32)
    classes = np.array([1, 1, 2, 1, 1])
    assert np_detection.np_nms(classes, boxes, 0.5).tolist() == [0, 2, 3, 4]  # IoU exactly .5 stays, as in the graph
    assert np_detection.np_nms(classes, boxes, 0.49).tolist() == [0, 2, 4]


@pytest.mark.parametrize("cells", [7, 10, 300])
def test_suppression_decides_as_tensorflow_does_where_overlaps_are_exactly_the_threshold(cells):
    random = np.random.default_rng(cells)
    bboxes, scores = tf.placeholder(tf.float32, [None, 4]), np.linspace(0.9, 0.1, 8, dtype=np.float32)
    thresholds = (1 / 3, 0.25, 0.45, 0.5)
    kept = [tf.image.non_max_suppression(bboxes, scores, 8, threshold) for threshold in thresholds]
    with tf.Session() as session:
        for _ in range(100):
            low = random.integers(0, cells // 2, (8, 2))
            boxes = (np.hstack([low, low + random.integers(1, cells // 2, (8, 2))]) / cells).astype(np.float32)
            for threshold, expected in zip(thresholds, session.run(kept, {bboxes: boxes}), strict=True):
                assert np_detection.np_nms(np.ones(8), boxes, threshold).tolist() == sorted(expected.tolist())


def test_no_detection_at_all():
    predictions, boxes = random_detections(0, batch=1)
    classes, scores, bboxes = np_detection.np_detected_bboxes(predictions, boxes, 1.0, resize_bbox=(0, 0, 0.5, 0.5))
    assert (classes.shape, scores.shape, bboxes.shape) == ((0,), (0,), (0, 4))


def test_without_a_clipping_box_detections_stick_out():
    predictions, boxes = [np.float32([[0.1, 0.9]])], [np.float32([[-0.25, 0.25, 0.5, 1.25]])]
    assert np_detection.np_detected_bboxes(predictions, boxes)[2].tolist() == [[0, 0.25, 0.5, 1]]
    assert np_detection.np_detected_bboxes(predictions, boxes, clipping_bbox=None)[2].tolist() == boxes[0].tolist()
