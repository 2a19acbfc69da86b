"""Several folders, or several families of one folder, read as one set."""
import shutil

import pytest

from datasets.dataset_factory import get_dataset
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.console import InputError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A split of VOC 2007 and one of 2012, five samples each in shards of two; and 2007 in other classes' order."""
    top = tmp_path_factory.mktemp("joined")
    source = make_voc_folder(top / "voc", *"abcde")
    (top / "labels.txt").write_text("\n".join(reversed(VOC_CLASSES)))
    for name, labels in (("voc_2007_train", None), ("voc_2012_train", None), ("turned_train", top / "labels.txt")):
        run(source, top / name, name, samples_per_file=2, labels=labels)
    return {name: top / f"{name}_train" for name in ("voc_2007", "voc_2012", "turned")}


def test_the_order_is_that_of_the_names_also_where_one_begins_like_another(folders, tmp_path):
    """As paths, `voc` comes before `voc-2`; as names, which evaluation sorts by, `voc-2/` comes before `voc/`."""
    for name, folder in (("voc", "voc_2007"), ("voc-2", "voc_2012")):
        shutil.copytree(folders[folder], tmp_path / name)
    names = get_dataset(None, "train", f"{tmp_path / 'voc'},{tmp_path / 'voc-2'}").data_sources
    assert names == sorted(names) and "voc-2" in names[0]


def test_several_folders_are_one_set(folders, tmp_path):
    first, second = folders["voc_2007"], folders["voc_2012"]
    for name in (None, "voc_2007,voc_2012", "pascalvoc_2007, pascalvoc_2012"):
        dataset = get_dataset(name, "train", f"{first},{second}")
        assert dataset.num_samples == 10 and len(dataset.data_sources) == 6
        assert dataset.split["num_samples"] == 10 and dataset.split["objects"]["cat"] == 20
        assert dataset.split["name"] == "voc_2007_train+voc_2012_train"
        # By this order evaluation counts pictures, and finds them again to draw them.
        assert dataset.data_sources == sorted(dataset.data_sources)
    assert get_dataset(None, "train", f"{second},{first}").data_sources == dataset.data_sources
    for folder in (first, second):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert get_dataset("voc_2007,voc_2012", "train", str(tmp_path)).num_samples == 10


def test_the_same_pictures_are_not_joined_with_themselves(folders, tmp_path):
    folder = folders["voc_2007"]
    (tmp_path / "link").symlink_to(folder)
    for name, joined in ((None, f"{folder},{folder}"), (None, f"{folder},{tmp_path / 'link'}"),
                         ("voc_2007,pascalvoc_2007", str(folder))):
        with pytest.raises(InputError, match=r"_000\.tfrecord is in the data set twice; name each folder"):
            get_dataset(name, "train", joined)


def test_sets_of_different_classes_are_not_joined(folders):
    with pytest.raises(InputError, match=r"label map .* is not that of .*same --labels"):
        get_dataset(None, "train", f"{folders['voc_2007']},{folders['turned']}")


def test_names_and_folders_must_pair_up(folders):
    with pytest.raises(InputError, match="--dataset_name has 3 names, --dataset_dir 2 folders"):
        get_dataset("a,b,c", "train", f"{folders['voc_2007']},{folders['voc_2012']}")
