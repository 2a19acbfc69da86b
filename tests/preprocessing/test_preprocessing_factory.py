"""Preprocessing by the name of the network."""
import numpy as np
import pytest

import tf_extended as tfe
from preprocessing.preprocessing_factory import get_preprocessing
from tests.preprocessing.running import run

IMAGE = np.zeros((20, 30, 3), np.uint8)
LABELS, BBOXES = np.int64([5]), np.float32([[0.1, 0.1, 0.9, 0.9]])


@pytest.mark.parametrize("name, size", [("ssd_300_vgg", 300), ("ssd_512_vgg", 512), ("ssd_300_mobilenet_v1", 300)])
def test_each_network_has_its_functions(name, size):
    image, labels, bboxes = run(
        lambda *sample: get_preprocessing(name, is_training=True)(*sample, (size, size)), IMAGE, LABELS, BBOXES)
    assert image.shape == (size, size, 3) and len(labels) == len(bboxes)
    image, labels, bboxes, bbox_img = run(
        lambda *sample: get_preprocessing(name)(*sample, out_shape=(size, size), data_format="NCHW"),
        IMAGE, LABELS, BBOXES)
    assert image.shape == (3, size, size)
    np.testing.assert_array_equal(bbox_img, [0, 0, 1, 1])
    np.testing.assert_array_equal(bboxes, BBOXES)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(tfe.InputError, match="'inception'.*ssd_300_vgg, ssd_512_vgg, ssd_300_mobilenet_v1"):
        get_preprocessing("inception")
