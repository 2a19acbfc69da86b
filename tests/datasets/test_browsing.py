"""What stands on the tiles of samples; whole sheets are in test_contact_sheets."""
import numpy as np
import pytest

from datasets import browsing
from datasets.tfrecord_format import ParsedExample, make_example
from tests.datasets.voc_cases import encoded
from tf_extended.compat import tf
from tf_extended.console import InputError


def test_difficult_and_truncated_objects_are_marked():
    sample = ParsedExample(encoded(".png", np.full((10, 20, 3), 90, np.uint8)), np.array([10, 20, 3]),
                           np.array([[0, 0, 1, 1.0]] * 4), np.array([1] * 4), np.array([0, 1, 0, 1]),
                           np.array([0, 0, 1, 1]), "a")
    tile = browsing._ground_truth_tile(sample, {1: "cat"})
    assert [mark.text for mark in tile.marks] == ["cat", "cat D", "cat T", "cat D T"]
    assert tile.caption == "a  20x10, 4 objects"


def test_a_label_that_the_label_map_lacks_is_named(tmp_path):
    """Shards of older converters hold whatever they were given."""
    shard = str(tmp_path / "voc_2007_x.tfrecord")
    with tf.io.TFRecordWriter(shard) as writer:
        for name, label in (("a", 1), ("b", 25)):
            writer.write(make_example(encoded(".png"), "PNG", 1, 1, name, [(0, 0, 1, 1)], [label], ["cat"], [0],
                                      [0]).SerializeToString())
    assert len(browsing.read_samples([shard], 2, 1, {1, 25})[0]) == 2
    with pytest.raises(InputError, match=f"^{shard}, picture 'b': an object has the label 25, which.*again"):
        browsing.read_samples([shard], 2, 1, {0, 1})


@pytest.mark.parametrize("data", [b"no picture", encoded(".png")[:500], encoded(".jpg")[:500]])
def test_a_picture_that_does_not_decode_is_named_in_one_line(data):
    sample = ParsedExample(data, np.array([10, 20, 3]), np.zeros((0, 4)), *[np.zeros(0)] * 3, "a")
    with pytest.raises(InputError, match="^picture 'a' of the shards does not decode .*convert the data again") as one:
        browsing.decode(sample)
    assert "Graph execution" not in str(one.value)
    assert "\n" not in str(one.value)
