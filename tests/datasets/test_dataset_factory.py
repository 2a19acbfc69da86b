import json
import os
import shutil

import numpy as np
import pytest

from datasets import shard_checks
from datasets.dataset_factory import get_dataset
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.compat import slim, tf
from tf_extended.console import InputError

NAME = "voc_2007_train"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Five samples in shards of two."""
    folder = tmp_path_factory.mktemp("converted")
    run(make_voc_folder(folder / "voc", *"abcde"), folder / "out", NAME, samples_per_file=2)
    return folder / "out"


@pytest.fixture
def shards(converted, tmp_path):
    shutil.copytree(converted, tmp_path / "shards")
    return tmp_path / "shards"


def change_description(folder, set_name=NAME, **changed):
    path = folder / f"{set_name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def rename(folder, new):
    """The set under another name."""
    for path in folder.glob(f"{NAME}*"):
        path.rename(folder / path.name.replace(NAME, new))
    if (folder / f"{new}.json").exists():
        change_description(folder, new, name=new)


def test_a_dataset_is_what_the_contract_says(converted):
    dataset = get_dataset("voc_2007", "train", str(converted))
    assert (dataset.num_samples, dataset.num_classes) == (5, 20)
    assert dataset.labels_to_names == dict(enumerate(["none", *VOC_CLASSES]))
    assert dataset.split["objects"]["cat"] == 10 and dataset.split["num_samples"] == 5
    assert set(dataset.decoder.list_items()) == set(dataset.items_to_descriptions) == {
        "image", "encoded", "shape", "filename", "object/bbox", "object/label", "object/difficult", "object/truncated"}


def test_the_provider_reads_every_picture_once(converted):
    dataset = get_dataset(None, "train", converted)
    with tf.Graph().as_default(), tf.Session() as session:
        provider = slim.dataset_data_provider.DatasetDataProvider(dataset, num_readers=1, shuffle=False, num_epochs=1)
        items = provider.get(["filename", "image", "object/bbox", "object/label"])
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        read = [session.run(items) for _ in range(5)]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(items)
        coordinator.request_stop()
        coordinator.join(threads)
    assert sorted(name for name, *_ in read) == [b"a", b"b", b"c", b"d", b"e"]
    assert all(image.shape == (375, 500, 3) and image.dtype == np.uint8 for _, image, *_ in read)
    assert all(bboxes.shape == (2, 4) and labels.tolist() == [8, 8] for *_, bboxes, labels in read)


@pytest.mark.parametrize("name", ["pascalvoc_2007", "voc_2007", None])
def test_voc_is_read_by_either_name_without_a_description(name, shards):
    (shards / f"{NAME}.json").unlink()
    dataset = get_dataset(name, "train", str(shards))
    assert (dataset.num_samples, dataset.num_classes, dataset.split) == (5, 20, None)


def test_other_families_need_their_description(shards):
    rename(shards, "cats_train")
    assert get_dataset("cats", "train", str(shards)).num_samples == 5
    (shards / "cats_train.json").unlink()
    with pytest.raises(InputError, match=r"cats_train\.json: the description .* is missing"):
        get_dataset("cats", "train", str(shards))


def test_an_unfinished_conversion_is_no_data_set(shards):
    (shards / f"{NAME}.json").unlink()
    (shards / f".{NAME}.partial-abc").mkdir()
    with pytest.raises(InputError, match="did not end; run it again"):
        get_dataset("voc_2007", "train", str(shards))


def test_a_folder_whose_name_is_not_utf_8_is_told():
    with pytest.raises(InputError, match=r"--dataset_dir sh\\udcff: expected a path in UTF-8"):
        get_dataset(None, "train", os.fsdecode(b"sh\xff"))


def test_the_one_data_set_of_a_folder_needs_no_name(shards):
    assert get_dataset(None, "train", str(shards)).num_samples == 5
    (shards / "notes_train.json").write_text('{"learning_rate": 1}')
    assert get_dataset(None, "train", str(shards)).num_samples == 5
    with pytest.raises(InputError, match=f"no data set with a split 'test'; there are: {NAME}"):
        get_dataset(None, "test", str(shards))
    shutil.copy(shards / f"{NAME}_000.tfrecord", shards / "dogs_train_000.tfrecord")
    with pytest.raises(InputError, match=r"several .*: dogs, voc_2007; choose one with --dataset_name"):
        get_dataset(None, "train", str(shards))


def test_names_that_begin_alike_are_kept_apart(shards):
    shutil.copy(shards / f"{NAME}_000.tfrecord", shards / f"{NAME}_extra_000.tfrecord")
    assert get_dataset("voc_2007", "train", str(shards)).num_samples == 5


def test_a_file_pattern_chooses_the_shards(shards):
    (shards / f"{NAME}.json").unlink()
    dataset = get_dataset("voc_2007", "train", str(shards), file_pattern="voc_2007_%s_*0.tfrecord")
    assert dataset.num_samples == 2


@pytest.mark.parametrize(("name", "split", "folder", "said"), [
    ("voc_2007", "train", "absent", "no such folder"),
    ("voc_2007", "train", "", "--dataset_dir is not given"),
    ("voc_2007", "val", ".", "no shard of voc_2007_val; data sets there: voc_2007_train"),
    ("voc_2012", "train", ".", "no shard of voc_2012_train"),
])
def test_what_is_not_there_is_named(name, split, folder, said, shards):
    with pytest.raises(InputError, match=said):
        get_dataset(name, split, folder and str(shards / folder))


def test_a_folder_that_tensorflow_would_take_for_a_pattern(shards):
    folder = shards.rename(shards.with_name("a[1]"))
    with pytest.raises(InputError, match=r"takes \[ in a path for a pattern; rename the folder"):
        get_dataset("voc_2007", "train", str(folder))


def _cut(length):
    return lambda path: path.write_bytes(path.read_bytes()[:length])


def _flip(position):
    def damage(path):
        data = bytearray(path.read_bytes())
        data[position] ^= 1
        path.write_bytes(data)
    return damage


def _foreign(path):
    example = tf.train.Example()
    example.features.feature["image/object/class/label"].int64_list.value.append(1)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())


SHARD_DAMAGE = {
    "cut in the last record": (_cut(-100), "cut short within record 2"),
    "cut in the first record": (_cut(500), "cut short within record 1"),
    "cut in a length": (_cut(7), "ends within a record"),
    "empty": (_cut(0), "5 samples, but the 3 shards beside it hold 3"),
    "damaged length": (_flip(2), "frame of a record is damaged"),
    "damaged checksum of a length": (_flip(9), "frame of a record is damaged"),
    "damaged first picture": (_flip(30_000), "record 1 is damaged"),
    "damaged second picture": (_flip(-30_000), "record 2 is damaged"),
    "damaged last checksum": (_flip(-1), "record 2 is damaged"),
    "appended bytes": (lambda path: path.write_bytes(path.read_bytes() + b"x" * 50), "frame of a record is damaged"),
    "text": (lambda path: path.write_text("no shard at all\n"), "frame of a record is damaged"),
    "another program's": (_foreign, "not a shard of this toolkit's format: the example lacks image/encoded"),
}


@pytest.mark.parametrize("damage", SHARD_DAMAGE)
def test_damaged_shards_are_found_and_named(damage, shards):
    change, said = SHARD_DAMAGE[damage]
    change(shards / f"{NAME}_001.tfrecord")
    with pytest.raises(InputError, match=said) as error:
        get_dataset("voc_2007", "train", str(shards))
    assert f"{NAME}.json" in str(error.value) if damage == "empty" else f"{NAME}_001.tfrecord" in str(error.value)


@pytest.mark.parametrize("damage", [name for name in SHARD_DAMAGE if "picture" not in name and "last" not in name])
def test_frames_are_checked_where_a_set_is_too_large_to_be_read(damage, shards, monkeypatch):
    monkeypatch.setattr(shard_checks, "READ_WHOLE_BYTES", 0)
    assert get_dataset("voc_2007", "train", str(shards)).num_samples == 5
    change, said = SHARD_DAMAGE[damage]
    change(shards / f"{NAME}_001.tfrecord")
    with pytest.raises(InputError, match=said):
        get_dataset("voc_2007", "train", str(shards))


def test_missing_shards_are_found(shards):
    (shards / f"{NAME}_002.tfrecord").unlink()
    with pytest.raises(InputError, match=f"{NAME}.json: it says 5 samples, but the 2 shards beside it hold 4"):
        get_dataset("voc_2007", "train", str(shards))
    (shards / f"{NAME}_000.tfrecord").unlink()
    with pytest.raises(InputError, match=f"{NAME}_000.tfrecord: this shard is missing"):
        get_dataset("voc_2007", "train", str(shards))


@pytest.mark.parametrize(("changed", "said"), [
    ({"format": 2}, "format is 2, this toolkit reads format 1"), ({"format": None}, "format is None"),
    ({"num_samples": 6}, "says 6 samples"), ({"num_samples": "5"}, "'num_samples' is '5'"),
    ({"num_samples": True}, "'num_samples' is True"), ({"labels": []}, "no class name"),
    ({"labels": ["cat", "cat"]}, "twice"), ({"labels": None}, "'labels' is None"),
    ({"objects": [1]}, "'objects'"), ({"labels": ["cat"]}, "class ids 8 to 8 in it, but the label map has 1"),
])
def test_descriptions_that_do_not_fit(changed, said, shards):
    change_description(shards, **changed)
    with pytest.raises(InputError, match=said) as error:
        get_dataset("voc_2007", "train", str(shards))
    assert NAME in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_descriptions_that_are_none(text, shards):
    (shards / f"{NAME}.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=f"{NAME}.json"):
        get_dataset("voc_2007", "train", str(shards))


def test_a_set_without_records_is_refused(shards):
    (shards / f"{NAME}.json").unlink()
    for path in shards.glob("*.tfrecord"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="no record in it"):
        get_dataset("voc_2007", "train", str(shards))
