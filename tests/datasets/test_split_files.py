"""What of a folder is a shard, and what a split."""
import pytest

from datasets.split_files import find_shards, find_splits, shard_name
from tf_extended.console import InputError


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def test_the_thousand_and_first_shard_comes_last(tmp_path):
    names = ["a_b_998.tfrecord", "a_b_999.tfrecord", "a_b_1000.tfrecord"]
    assert [shard_name("a_b", number) for number in (998, 999, 1000)] == names
    touch(tmp_path, *names)
    assert [path.name for path in find_shards(tmp_path, "a_b", gaps=True)] == names


def test_a_gap_is_an_error_unless_allowed(tmp_path):
    touch(tmp_path, "a_b_000.tfrecord", "a_b_002.tfrecord")
    with pytest.raises(InputError, match=r"a_b_001\.tfrecord: this shard is missing"):
        find_shards(tmp_path, "a_b")
    assert len(find_shards(tmp_path, "a_b", gaps=True)) == 2


def test_other_files_are_no_shards(tmp_path):
    touch(tmp_path, "a_b_00.tfrecord", "a_b_000.tfrecord.tmp", "a_b_extra_000.tfrecord", "x_a_b_000.tfrecord")
    assert find_shards(tmp_path, "a_b") == []


def test_a_split_has_a_first_shard_or_a_description_of_its_name(tmp_path):
    touch(tmp_path, "a_b_000.tfrecord", "e_f_001.tfrecord")
    for name in ("c_d", "copy_of"):
        (tmp_path / f"{name}.json").write_text('{"num_samples": 1, "name": "c_d"}')
    assert find_splits(tmp_path) == ["a_b", "c_d"]
