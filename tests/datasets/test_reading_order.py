"""In which order samples and partners come: shuffled, and with a seed the same each time."""
import pytest

from datasets import reading
from tests.datasets.test_reading import read
from tests.tf_extended.evaluation.rectangles import PICTURES, open_set, write_shards
from tf_extended.compat import tf

SIZES = [size for size, _ in PICTURES]  # every picture has its own


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_set(write_shards(tmp_path_factory.mktemp("order")))


def order(build):
    """The numbers of the pictures that come first."""
    return [SIZES.index(image.shape[:2]) for image in read(lambda: build()[0], 24)]


@pytest.mark.parametrize(("readers", "seed", "capacity"), [(1, None, 20), (3, None, 20), (1, 5, 11)])
def test_samples_are_drawn_from_as_many_as_shall_wait(readers, seed, capacity, dataset):
    with tf.Graph().as_default() as graph:
        reading.read_samples(dataset, readers, 10, seed)
        reading.read_partners(dataset, 3, 10, seed)
        operations = graph.get_operations()
    queues = [op for op in operations if op.type == "RandomShuffleQueueV2"]
    assert [(op.get_attr("min_after_dequeue"), op.get_attr("capacity")) for op in queues] == [(10, capacity)] * 2
    assert sum(op.type == "TFRecordReaderV2" for op in operations) == readers + 1
    if seed:
        assert [op.get_attr("seed2") for op in queues] == [seed, seed + 1]


def test_with_a_seed_the_order_is_the_same_each_time_and_not_the_shards(dataset):
    def samples(seed):
        return order(lambda: reading.read_samples(dataset, 1, 6, seed))

    def partners(seed):
        return order(lambda: reading.read_partners(dataset, 1, 6, seed)[0]())

    first = samples(5)
    assert first == samples(5) != samples(6)
    assert partners(5) == partners(5) != partners(6)
    assert first != partners(5)


def test_partners_of_a_sample_are_one_after_another(dataset):
    """Each of them is a record of its own."""
    alone = order(lambda: reading.read_partners(dataset, 1, 6, 5)[0]())
    pairs = read(lambda: [partner()[0] for partner in reading.read_partners(dataset, 2, 6, 5)], 12)
    assert [SIZES.index(image.shape[:2]) for pair in pairs for image in pair] == alone
