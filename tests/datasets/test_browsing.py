"""What stands on the tiles of samples; whole sheets are in test_contact_sheets."""
import numpy as np
import pytest

from datasets import browsing
from datasets.anchor_fit import AnchorLayer
from datasets.contact_sheets import palette
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
    assert [mark.thickness for mark in tile.marks] == [2, 1, 2, 1]  # difficult ones have thin lines
    assert tile.caption == "a  20x10, 4 objects"


def test_anchors_that_match_are_drawn_in_their_layers_colours_and_objects_over_them():
    near = np.array([[0, 0, .5, .5], [0, .01, .5, .51], [.9, 0, 1, .1]])  # the third matches none
    layers = [AnchorLayer("fine", near, (1, 2), ()), AnchorLayer("coarse", np.array([[0, 0, 1, 1.0]]), (2, 3), ())]
    boxes = np.array([[0, 0, .5, .5], [.6, .6, .65, .65], [0, 0, 1, .9]])
    tile = browsing._augmented_tile(np.zeros((9, 9, 3), np.uint8), np.array([1, 2, 2]), boxes, {1: "cat", 2: "dog"},
                                    layers, 0.5)
    assert [(mark.box.tolist(), mark.colour, mark.text) for mark in tile.marks] == [
        (near[0].tolist(), palette(1), ""), (near[1].tolist(), palette(1), ""), ([0, 0, 1, 1], palette(2), ""),
        (boxes[0].tolist(), browsing.MATCHED, "cat: 2"), (boxes[1].tolist(), browsing.UNMATCHED, "dog: 0"),
        (boxes[2].tolist(), browsing.MATCHED, "dog: 1")]
    assert tile.caption == "3 objects, 1 match none, 3 anchors"


def test_the_background_is_not_in_the_legend(monkeypatch):
    monkeypatch.setattr(browsing, "save_sheets", lambda folder, name, tiles, legend: [text for text, _ in legend])
    legend = browsing.save_ground_truth(None, [], {0: "none", 1: "cat", 2: "dog"})
    assert legend == ["cat", "dog", "D difficult, T truncated"]


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
