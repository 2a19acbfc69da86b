"""Samples and partners as they come from shards."""
import numpy as np
import pytest

from datasets import reading
from datasets.dataset_factory import get_dataset
from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.compat import tf


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reading")
    run(make_voc_folder(folder / "voc", *"abcde"), folder / "out", "voc_2007_train", samples_per_file=2)
    return get_dataset("voc_2007", "train", str(folder / "out"))


def read(build, times):
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = build()
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        results = [session.run(tensors) for _ in range(times)]
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=5, ignore_live_threads=True)
    return results


def check(image, labels, bboxes):
    assert image.shape == (375, 500, 3) and image.dtype == np.uint8
    assert labels.tolist() == [8, 8] and labels.dtype == np.int64
    assert bboxes.shape == (2, 4) and bboxes.dtype == np.float32


def test_samples_go_on_for_ever(dataset):
    samples = read(lambda: reading.read_samples(dataset, 2, 4), 12)
    assert len(samples) == 12
    for sample in samples:
        check(*sample)


def test_samples_can_wait_with_decoding(dataset):
    def build():
        image, labels, bboxes = reading.read_samples(dataset, 2, 4, decoded=False)
        return image.part(tf.zeros([2], tf.int32), image.size), labels, bboxes

    samples = read(build, 3)
    assert len(samples) == 3
    for sample in samples:
        check(*sample)


def test_partners_are_samples_of_their_own(dataset):
    def build():
        partners = reading.read_partners(dataset, 3, 4)
        assert len(partners) == 3
        return [partner() for partner in partners]

    for partners in read(build, 8):
        for sample in partners:
            check(*sample)


def test_a_seed_fixes_the_order(dataset):
    def build():
        return [partner()[2] for partner in reading.read_partners(dataset, 2, 3, seed=5)]

    first, second = (np.array(read(build, 6)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_seeded_queue_is_always_equally_full():
    assert reading._capacity(10, None) == 20
    assert reading._capacity(10, 1) == 11
