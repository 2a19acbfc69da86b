import cv2
import numpy as np
import pytest
from lxml import etree

from datasets.pascalvoc_to_tfrecords import run
from datasets.shape_pictures import CLASSES, draw_picture
from datasets.shapes import make_devkit
from tf_extended.console import InputError


@pytest.fixture(scope="module")
def devkit(tmp_path_factory):
    return make_devkit(tmp_path_factory.mktemp("shapes") / "devkit", num_train=40, num_test=10, seed=3)


def listed(devkit, split):
    return (devkit / "ImageSets/Main" / f"{split}.txt").read_text().split()


def test_the_lists_divide_the_pictures(devkit):
    train, val, trainval, test = (listed(devkit, split) for split in ("train", "val", "trainval", "test"))
    assert (len(train), len(val), len(trainval), len(test)) == (32, 8, 40, 10)
    assert sorted(train + val) == trainval
    assert sorted(trainval + test) == sorted(path.stem for path in (devkit / "Annotations").iterdir())


def test_the_converter_finds_nothing_amiss(devkit, tmp_path):
    report = run(devkit, tmp_path, "shapes_all")
    assert not report.findings
    assert report.description["labels"] == list(CLASSES) and min(report.description["objects"].values()) > 10
    assert 0 < sum(report.description["difficult"].values()) < 40


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files_however_many_and_whoever_draws_them(devkit, tmp_path):
    again = make_devkit(tmp_path / "again", num_train=2, num_test=1, seed=3, num_workers=2)
    other = make_devkit(tmp_path / "other", num_train=1, num_test=0, seed=4)
    for path in again.glob("*/00000*"):
        assert path.read_bytes() == (devkit / path.relative_to(again)).read_bytes()
    assert (other / "JPEGImages/000001.jpg").read_bytes() != (devkit / "JPEGImages/000001.jpg").read_bytes()


def test_annotations_state_the_picture_and_boxes_within_it(devkit):
    flags, at_border = set(), []
    for path in (devkit / "Annotations").iterdir():
        root = etree.parse(path).getroot()
        height, width, channels = cv2.imread(str(devkit / "JPEGImages" / root.findtext("filename"))).shape
        assert [int(side.text) for side in root.find("size")] == [width, height, channels]
        for thing in root.findall("object"):
            xmin, ymin, xmax, ymax = (int(side.text) for side in thing.find("bndbox"))
            assert 1 <= xmin < xmax <= width and 1 <= ymin < ymax <= height
            truncated = thing.findtext("truncated") == "1"
            if truncated:
                at_border.append(xmin == 1 or ymin == 1 or xmax == width or ymax == height)
            flags.add((truncated, thing.findtext("difficult") == "1"))
    assert flags == {(False, False), (False, True), (True, False), (True, True)}
    # All but those whose cut part another shape covers.
    assert np.mean(at_border) > 0.8


def test_sizes_range_from_small_to_large():
    shapes = [shape for seed in range(40) for shape in draw_picture(np.random.default_rng(seed))[1]]
    sides = [shape.box[2] - shape.box[0] for shape in shapes]
    assert min(sides) < 40 and max(sides) > 150


@pytest.mark.parametrize(("numbers", "says"), [
    ({"num_train": -2}, "num_train is -2"), ({"num_test": 2.5}, "num_test is 2.5"), ({"seed": -1}, "seed is -1")])
def test_numbers_that_are_none_are_refused(numbers, says, tmp_path):
    with pytest.raises(InputError, match=says):
        make_devkit(tmp_path / "shapes", **{"num_train": 1, "num_test": 1} | numbers)
    assert not (tmp_path / "shapes").exists()


def test_few_pictures_are_divided_too(tmp_path):
    lists = make_devkit(tmp_path, num_train=3, num_test=0) / "ImageSets" / "Main"
    assert [(lists / f"{split}.txt").read_text().split() for split in ("train", "val", "test")] == [
        ["000001", "000002"], ["000003"], []]
