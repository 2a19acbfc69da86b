"""Encoding and decoding of whole images against the golden values, and against one layer at a time."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import ssd_common, ssd_vgg_300
from tests.nets import golden
from tests.shared_data import needs_shared
from tf_extended.compat import tf

NET = ssd_vgg_300.SSDNet()
ANCHORS = NET.anchors()
CASES = ["anchor_exact", "edges", "label_ge_num_classes", "many40", "none", "one", "tiny"]


def encode(labels, bboxes, fed=True, **arguments):
    return golden.run(lambda lab, box: NET.bboxes_encode(lab, box, ANCHORS, **arguments), labels, bboxes, fed=fed)


@needs_shared
@pytest.mark.parametrize("fed", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_encode_equals_golden(case, fed):
    values = golden.load("encode")
    assert golden.cases(values, "_in_") == CASES
    classes, localisations, scores = encode(values[f"{case}_in_labels"], values[f"{case}_in_bboxes"], fed)
    for i in range(6):
        np.testing.assert_array_equal(classes[i], values[f"{case}_labels_{i}"])
        np.testing.assert_array_equal(scores[i], values[f"{case}_scores_{i}"])
        np.testing.assert_allclose(localisations[i], values[f"{case}_loc_{i}"], atol=1e-5)
        assert (classes[i].dtype, scores[i].dtype, localisations[i].dtype) == (np.int64, np.float32, np.float32)


@needs_shared
def test_decode_equals_golden_in_graph_and_numpy():
    values = golden.load("decode_nms")
    seed, batch, background = values["b1_meta"]
    _, localisations = golden.inputs().predictions(int(seed), int(batch), background)
    in_graph = golden.run(lambda *layers: NET.bboxes_decode(layers, ANCHORS), *localisations)
    for i, arrays in enumerate(zip(in_graph, NET.bboxes_decode(localisations, ANCHORS), strict=True)):
        expected = values[f"b1_decode_{i}"]
        for array in arrays:
            np.testing.assert_allclose(array if expected.ndim > 1 else array.ravel()[::37], expected, atol=1e-5)


def test_one_layer_at_a_time_gives_the_same():
    labels, bboxes = np.array([3, 7]), np.array([[0.1, 0.2, 0.6, 0.7], [0.3, 0.3, 0.9, 0.5]], np.float32)
    layers = golden.run(lambda lab, box: [ssd_common.tf_ssd_bboxes_encode_layer(lab, box, layer, 21)
                                          for layer in ANCHORS], labels, bboxes)
    for alone, *together in zip(layers, *encode(labels, bboxes), strict=True):
        for part, expected in zip(alone, together, strict=True):
            np.testing.assert_allclose(part, expected, atol=1e-5)


def test_a_batch_may_be_encoded_in_a_loop_of_the_graph():
    labels = np.array([[3, 7], [1, 2]])
    bboxes = np.float32([[[0.1, 0.2, 0.6, 0.7], [0.3, 0.3, 0.9, 0.5]], [[0, 0, 0.2, 0.3], [0.5, 0.5, 1, 1]]])
    types = tuple([dtype] * len(ANCHORS) for dtype in (tf.int64, tf.float32, tf.float32))
    together = golden.run(
        lambda *batch: tf.map_fn(lambda one: ssd_common.tf_ssd_bboxes_encode(*one, ANCHORS, 21), batch, dtype=types),
        labels, bboxes)
    for i in range(2):
        for part, expected in zip(together, encode(labels[i], bboxes[i]), strict=True):
            for layer, wanted in zip(part, expected, strict=True):
                np.testing.assert_allclose(layer[i], wanted, rtol=1e-6, atol=1e-6)


def test_decoding_an_images_targets_gives_its_objects_back():
    bboxes = np.array([[0.1, 0.2, 0.6, 0.7], [0.3, 0.3, 0.9, 0.5]], np.float32)
    classes, localisations, _ = encode(np.array([3, 7]), bboxes, matching="paper")
    for labels, boxes in zip(classes, NET.bboxes_decode(localisations, ANCHORS), strict=True):
        np.testing.assert_allclose(boxes[labels == 3], np.broadcast_to(bboxes[0], boxes[labels == 3].shape), atol=1e-5)
        np.testing.assert_allclose(boxes[labels == 7], np.broadcast_to(bboxes[1], boxes[labels == 7].shape), atol=1e-5)


def test_the_paper_rule_makes_an_object_that_fits_no_anchor_positive():
    labels, thin = np.array([5]), np.array([[0.0, 0.4, 1.0, 0.42]], np.float32)
    slim_scores, paper_scores = encode(labels, thin)[2], encode(labels, thin, matching="paper")[2]
    assert max(layer.max() for layer in slim_scores) < 0.5
    assert sum((layer > 0.5).sum() for layer in paper_scores) == 1


def test_regions_without_annotation_take_effect_only_when_asked():
    labels, bboxes = np.array([21, 4]), np.array([[0, 0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    assert min(layer.min() for layer in encode(labels, bboxes)[2]) == 0
    ignored = [layer < 0 for layer in encode(labels, bboxes, ignore_threshold=0.5)[2]]
    assert ignored[0][5, 5].all()  # well inside the region
    assert not ignored[0][30:, 30:].any()


def test_an_ignore_label_among_the_classes_is_refused():
    params = NET.default_params._replace(num_classes=81)
    with pytest.raises(tfe.InputError, match="no_annotation_label is 21.*81"):
        golden.run(lambda lab, box: ssd_vgg_300.SSDNet(params).bboxes_encode(lab, box, ANCHORS, ignore_threshold=0.5),
                   np.array([1]), np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("num_classes", [2, 4, 81])
def test_classes_follow_num_classes(num_classes):
    net = ssd_vgg_300.SSDNet(NET.default_params._replace(num_classes=num_classes))
    labels = np.array([1, num_classes - 1, num_classes])
    bboxes = np.array([[0, 0, 0.3, 0.3], [0.3, 0.3, 0.6, 0.6], [0.6, 0.6, 1, 1]], np.float32)
    classes = golden.run(lambda lab, box: net.bboxes_encode(lab, box, ANCHORS)[0], labels, bboxes)
    assert {int(c) for layer in classes for c in layer.ravel()} == {0, 1, num_classes - 1}


@pytest.mark.parametrize("kind", [tuple, np.array, np.float32])
def test_a_nets_own_scaling_of_offsets_takes_effect_both_ways(kind):
    scaling, labels = kind([0.1, 0.15, 0.2, 0.3]), np.array([3, 7])
    bboxes = np.array([[0.1, 0.2, 0.6, 0.7], [0.3, 0.3, 0.9, 0.5]], np.float32)
    net = ssd_vgg_300.SSDNet(NET.default_params._replace(prior_scaling=scaling))
    classes, offsets, _ = golden.run(lambda lab, box: net.bboxes_encode(lab, box, ANCHORS), labels, bboxes)
    for ours, published in zip(offsets, encode(labels, bboxes)[1], strict=True):
        np.testing.assert_allclose(ours * np.float32(scaling), published * np.float32([0.1, 0.1, 0.2, 0.2]), atol=1e-5)
    for labels, boxes in zip(classes, net.bboxes_decode(offsets, ANCHORS), strict=True):
        np.testing.assert_allclose(boxes[labels == 3], np.tile(bboxes[0], ((labels == 3).sum(), 1)), atol=1e-5)


def test_every_argument_of_one_layer_is_that_of_all_layers():
    labels, bboxes = np.array([21, 4]), np.array([[0, 0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]])
    arguments = {"no_annotation_label": 21, "ignore_threshold": 0.5, "prior_scaling": (0.1, 0.15, 0.2, 0.3),
                 "dtype": tf.float64}
    one, every = golden.run(lambda lab, box: [
        ssd_common.tf_ssd_bboxes_encode_layer(lab, box, ANCHORS[2], 21, **arguments),
        ssd_common.tf_ssd_bboxes_encode(lab, box, ANCHORS, 21, **arguments)], labels, bboxes)
    for part, layers in zip(one, every, strict=True):
        np.testing.assert_array_equal(part, layers[2])
    assert (one[1].dtype, one[2].dtype) == (np.float64, np.float64)
    assert (one[2] == -1).any() and (one[2] > 0.5).any()
    published = encode(labels, np.float32(bboxes))[1][2]
    np.testing.assert_allclose(one[1] * [0.1, 0.15, 0.2, 0.3], published * [0.1, 0.1, 0.2, 0.2], atol=1e-5)
