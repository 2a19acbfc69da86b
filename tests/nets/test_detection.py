"""Detections in the graph against the golden values, against a naive loop and against `tfe`'s one image at a time."""
import json

import numpy as np
import pytest

import tf_extended as tfe
from nets import detection, ssd_vgg_300
from tests.nets import golden
from tests.shared_data import needs_shared

NET = ssd_vgg_300.SSDNet()


def random_detections(seed, batch, classes=4, shapes=((4, 4, 2), (1, 1, 3))):
    """Probabilities and overlapping boxes of two small layers."""
    random = np.random.RandomState(seed)
    logits = [random.randn(batch, *shape, classes) * 2 for shape in shapes]
    probabilities = [np.exp(layer) / np.exp(layer).sum(-1, keepdims=True) for layer in logits]
    corner = [random.uniform(-0.1, 0.5, (batch, *shape, 2)) for shape in shapes]
    boxes = [np.concatenate([c, c + random.uniform(0.2, 0.7, c.shape)], -1) for c in corner]
    return [p.astype(np.float32) for p in probabilities], [b.astype(np.float32) for b in boxes]


def detect(predictions, boxes, fed=True, **arguments):
    n = len(predictions)
    return golden.run(lambda *tensors: detection.detected_bboxes(tensors[:n], tensors[n:], **arguments),
                      *predictions, *boxes, fed=fed)


def naive_class(scores, boxes, threshold, nms_threshold, top_k, keep):
    """Select, sort and suppress one class of one image, a detection at a time."""
    order = [i for i in np.argsort(-scores, kind="stable") if scores[i] > threshold][:top_k]
    kept = []
    for i in order:
        if all(tfe.bboxes_jaccard(boxes[j], boxes[i:i + 1])[0] <= nms_threshold for j in kept):
            kept.append(i)
    return kept[:keep]


@needs_shared
@pytest.mark.parametrize("fed", [True, False])
def test_equals_golden(fed):
    values = golden.load("decode_nms")
    seed, batch, background = values["b1_meta"]
    predictions, localisations = golden.inputs().predictions(int(seed), int(batch), background)
    arguments = json.loads(str(values["b1_kw"]))
    assert arguments.pop("clip") is False
    scores, bboxes = detect(predictions, NET.bboxes_decode(localisations, NET.anchors()), fed, **arguments)
    assert list(scores) == list(bboxes) == list(range(1, 21))
    np.testing.assert_allclose(np.stack(list(scores.values())), values["b1_scores"], atol=1e-5)
    np.testing.assert_allclose(np.stack(list(bboxes.values())), values["b1_bboxes"], atol=1e-5)


@pytest.mark.parametrize(("threshold", "nms_threshold", "top_k", "keep"),
                         [(None, 0.5, 400, 200), (0.1, 0.3, 400, 200), (0.2, 0.45, 10, 5), (0.05, 0.9, 7, 50)])
def test_equals_naive_loop_for_every_image_and_class(threshold, nms_threshold, top_k, keep):
    predictions, boxes = random_detections(1, batch=3)
    got_scores, got_boxes = detect(predictions, boxes, select_threshold=threshold, nms_threshold=nms_threshold,
                                   top_k=top_k, keep_top_k=keep)
    flat = np.concatenate([p.reshape(3, -1, 4) for p in predictions], 1)
    flat_boxes = np.concatenate([b.reshape(3, -1, 4) for b in boxes], 1)
    for label in (1, 2, 3):
        assert got_scores[label].shape == (3, keep)
        for image in range(3):
            kept = naive_class(flat[image, :, label], flat_boxes[image], threshold or 0, nms_threshold, top_k, keep)
            padding = keep - len(kept)
            expected = np.pad(flat[image, kept, label], (0, padding))
            np.testing.assert_allclose(got_scores[label][image], expected, atol=1e-6)
            expected = np.pad(flat_boxes[image, kept], ((0, padding), (0, 0)))
            np.testing.assert_allclose(got_boxes[label][image], expected, atol=1e-6)


def test_suppression_equals_that_of_one_image_and_class():
    predictions, boxes = random_detections(2, batch=1)
    scores, got = detect(predictions, boxes, nms_threshold=0.4, keep_top_k=20)

    def alone(scores, boxes):
        return tfe.bboxes_nms(*[x[0] for x in tfe.bboxes_sort(scores, boxes)], 0.4, 20)

    one = np.concatenate([p.reshape(1, -1, 4) for p in predictions], 1)[:, :, 2]
    expected = golden.run(alone, one, np.concatenate([b.reshape(1, -1, 4) for b in boxes], 1), fed=False)
    np.testing.assert_allclose(scores[2][0], expected[0])
    np.testing.assert_allclose(got[2][0], expected[1])


def test_keep_per_image_keeps_the_best_over_all_classes():
    predictions, boxes = random_detections(3, batch=2)
    per_class, _ = detect(predictions, boxes, keep_top_k=20)
    per_image, kept_boxes = detect(predictions, boxes, keep_top_k=20, keep_per="image")
    for image in range(2):
        everything = np.sort(np.concatenate([scores[image] for scores in per_class.values()]))[::-1]
        kept = np.sort(np.concatenate([scores[image] for scores in per_image.values()]))[::-1]
        np.testing.assert_array_equal(kept[:20], everything[:20])
        assert not kept[20:].any()
    for label, scores in per_image.items():
        assert (np.diff(scores) <= 0).all()
        assert not kept_boxes[label][scores == 0].any()


def test_clipping():
    predictions, boxes = random_detections(4, batch=1)
    for got in detect(predictions, boxes, clipping_bbox=[0.0, 0.0, 1.0, 1.0])[1].values():
        assert got.min() >= 0
        assert got.max() <= 1


def test_nothing_selected_gives_zeros():
    predictions, boxes = random_detections(5, batch=2)
    scores, got = detect(predictions, boxes, select_threshold=1.0)
    assert not any(array.any() for array in [*scores.values(), *got.values()])


def test_static_shapes_where_the_batch_is_known():
    def shapes(*tensors):
        scores, boxes = detection.detected_bboxes(tensors[:2], tensors[2:], keep_top_k=7)
        assert scores[1].get_shape().as_list() == [2, 7]
        assert boxes[1].get_shape().as_list() == [2, 7, 4]
        return scores

    predictions, boxes = random_detections(6, batch=2)
    assert golden.run(shapes, *predictions, *boxes, fed=False)[1].shape == (2, 7)


def test_thresholds_may_be_tensors():
    predictions, boxes = random_detections(7, batch=2)
    numbers = {"select_threshold": 0.2, "nms_threshold": 0.4}
    fed = golden.run(lambda select, nms, *tensors: detection.detected_bboxes(
        tensors[:2], tensors[2:], select_threshold=select, nms_threshold=nms),
        *np.float32(list(numbers.values())), *predictions, *boxes)
    for part, expected in zip(fed, detect(predictions, boxes, **numbers), strict=True):
        for label, values in expected.items():
            np.testing.assert_array_equal(part[label], values)


def test_unknown_keep_per_is_named():
    with pytest.raises(tfe.InputError, match="batch.*class, image"):
        detection.detected_bboxes([], [], keep_per="batch")


def test_a_probability_of_just_the_threshold_is_not_selected():
    predictions = [np.float32([[0.5, 0.5], [0.25, 0.75]]).reshape(1, 1, 1, 2, 2)]
    boxes = [np.float32([[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]]).reshape(1, 1, 1, 2, 4)]
    scores, _ = detect(predictions, boxes, select_threshold=0.5, keep_top_k=2)
    assert scores[1].tolist() == [[0.75, 0.0]]


@pytest.mark.parametrize("arguments", [
    {"select_threshold": 0.3, "nms_threshold": 0.2, "top_k": 20, "keep_top_k": 20},
    {"top_k": 3, "keep_top_k": 30},
    {"clipping_bbox": [0.0, 0.0, 0.8, 0.9], "keep_top_k": 4, "keep_per": "image"}])
def test_the_nets_detections_pass_every_argument_on(arguments):
    predictions, boxes = random_detections(1, batch=3)
    got = golden.run(lambda *tensors: NET.detected_bboxes(tensors[:2], tensors[2:], **arguments), *predictions, *boxes)
    for part, expected in zip(got, detect(predictions, boxes, **arguments), strict=True):
        for label, values in expected.items():
            np.testing.assert_array_equal(part[label], values)
