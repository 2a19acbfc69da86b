"""Class ids and checksums of shards; damaged shards as a whole are in test_dataset_factory."""
import pytest

from datasets.shard_checks import check_shards, masked_crc32c
from datasets.tfrecord_format import make_example
from tf_extended.compat import tf
from tf_extended.console import InputError


@pytest.fixture
def shard(tmp_path):
    """Makes a shard of one picture with objects of these class ids."""
    def make(*labels):
        count, path = len(labels), tmp_path / "a_b_000.tfrecord"
        example = make_example(b"x", "PNG", 4, 6, "a", [[0, 0, 1, 1]] * count, labels, ["c"] * count, [0] * count,
                               [0] * count)
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(example.SerializeToString())
        return path
    return make


@pytest.mark.parametrize("labels", [(), (1,), (2,), (2, 1)])
def test_class_ids_within_the_label_map(labels, shard):
    path = shard(*labels)
    assert check_shards([path], 2, None, path) == 1


@pytest.mark.parametrize(("labels", "said"), [
    ((0,), "class ids 0 to 0"), ((3,), "class ids 3 to 3"), ((1, 3), "class ids 1 to 3"), ((2, 0), "class ids 0 to 2")])
def test_class_ids_beyond_the_label_map(labels, said, shard):
    path = shard(*labels)
    with pytest.raises(InputError, match=f"{said} in it, but the label map has 2 classes"):
        check_shards([path], 2, None, path)


def test_the_checksum_is_tensorflows(tmp_path):
    """Frames that TensorFlow wrote hold the checksum of their length."""
    for length in (0, 1, 300):
        with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
            writer.write(b"y" * length)
        head = (tmp_path / "x").read_bytes()[:12]
        assert masked_crc32c(head[:8]).to_bytes(4, "little") == head[8:]
