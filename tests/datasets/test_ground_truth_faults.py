"""Ground truth of folders and shards that are damaged, or hold what need not be there."""
import cv2
import numpy as np
import pytest

from datasets import ground_truth
from datasets.tfrecord_format import make_example
from tests.datasets.voc_cases import encoded, in_xml, make_voc_folder, whole_xml
from tf_extended.compat import tf
from tf_extended.console import InputError

LABELS = {"cat": 1}


@pytest.mark.parametrize("damage", [in_xml("<xmin>231", "<xmin>here"), whole_xml(lambda _: b"damaged")])
def test_scores_are_not_counted_by_an_annotation_that_is_damaged(damage, tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "bad")
    damage(folder)
    with pytest.raises(InputError, match=r"Annotations/bad.xml.*Repair the annotation\.$"):
        ground_truth.read_voc_truth(folder, "all", LABELS)


def test_pictures_that_cannot_be_shown_are_left_out(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b", "c")
    (folder / "JPEGImages" / "a").mkdir()
    (folder / "JPEGImages" / "b.jpg").write_bytes(b"no picture")
    (folder / "JPEGImages" / "c.jpg").unlink()
    truth = ground_truth.read_voc_truth(folder, "all", LABELS).truth
    assert list(ground_truth.load_voc_images(folder, truth, [0, 1, 2])) == [0]
    shard = tmp_path / "x.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for data in (b"no picture", encoded(".png", np.zeros((2, 3, 3), np.uint8))):
            writer.write(make_example(data, "PNG", 2, 3, "x", [], [], [], [], []).SerializeToString())
    assert list(ground_truth.load_shard_images([shard], [0, 1])) == [1]


@pytest.mark.parametrize("pixels", [np.full((2, 3), 7, np.uint8), np.full((2, 3, 4), 7, np.uint8),
                                    np.full((2, 3), 7 * 256, np.uint16)])
def test_pictures_of_other_kinds_come_as_rgb(pixels):
    image = ground_truth.decode(cv2.imencode(".png", pixels)[1].tobytes())
    assert image.dtype == np.uint8 and image.tolist() == [[[7] * 3] * 3] * 2
