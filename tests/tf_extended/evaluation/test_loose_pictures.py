"""Detecting in arrays of any size: each picture gets its own boxes, whatever the batch."""
import numpy as np
import pytest

from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tests.tf_extended.evaluation.rectangles import PICTURES, RectangleNet, save_checkpoint
from tf_extended.console import RunError
from tf_extended.evaluation.detection_graph import Selection
from tf_extended.evaluation.loose_pictures import detect_in_pictures


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("train") / "model.ckpt-7")


def drawn(size, box):
    image = np.zeros([*size, 3], np.uint8)
    if box is not None:
        image[box[0] - 1:box[2], box[1] - 1:box[3]] = 255
    return image


def detect(checkpoint, pictures, test_flips="none", resize=Resize.CENTRAL_CROP, **options):
    preprocess = preprocessing_factory.get_preprocessing("ssd_300_vgg", is_training=False)
    arrays = [drawn(*picture) for picture in pictures]
    pairs = list(detect_in_pictures(arrays, checkpoint, preprocess, RectangleNet(), Selection(test_flips=test_flips),
                                    resize=resize, **options))
    assert all(given is array for (given, _), array in zip(pairs, arrays, strict=True))
    return [found for _, found in pairs]


@pytest.mark.parametrize("test_flips", ["none", "both"])
@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_each_picture_gets_its_own_boxes(checkpoint, batch_size, test_flips):
    found = detect(checkpoint, PICTURES, test_flips, batch_size=batch_size)
    assert len(found) == len(PICTURES)
    for one, (size, box) in zip(found, PICTURES, strict=True):
        assert (np.diff(one.scores) <= 0).all()
        boxes = one.bboxes[one.labels == 1]
        if box is None:
            assert boxes.shape == (0, 4)
        else:
            ymin, xmin, ymax, xmax = box
            expected = np.array([ymin - 1, xmin - 1, ymax, xmax]) / [*size, *size]
            np.testing.assert_allclose(boxes, expected[None], atol=1e-5)
            assert one.labels[0] == 1  # .9 before .18
            assert one.scores[0] == pytest.approx(0.9)


def test_no_pictures(checkpoint):
    assert detect(checkpoint, []) == []


def test_a_picture_that_is_not_resized_and_has_another_size(checkpoint):
    with pytest.raises(RunError, match=r"a picture has \(50, 60\) pixels, the network wants \(96, 96\)"):
        detect(checkpoint, [((50, 60), None)], resize=Resize.NONE)
