"""What stands on the tiles of samples; whole sheets are in test_contact_sheets."""
import numpy as np

from datasets import browsing
from datasets.tfrecord_format import ParsedExample
from tests.datasets.voc_cases import encoded


def test_difficult_and_truncated_objects_are_marked():
    sample = ParsedExample(encoded(".png", np.full((10, 20, 3), 90, np.uint8)), np.array([10, 20, 3]),
                           np.array([[0, 0, 1, 1.0]] * 4), np.array([1] * 4), np.array([0, 1, 0, 1]),
                           np.array([0, 0, 1, 1]), "a")
    tile = browsing._ground_truth_tile(sample, {1: "cat"})
    assert [mark.text for mark in tile.marks] == ["cat", "cat D", "cat T", "cat D T"]
    assert tile.caption == "a  20x10, 4 objects"
