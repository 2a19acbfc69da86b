"""Ground truth and pictures without a graph."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets import ground_truth, voc_folders
from tests.tf_extended.evaluation.rectangles import PICTURES, open_set, write_shards
from tf_extended.console import InputError

LABELS = {"cat": 1, "dog": 2}


@pytest.fixture
def voc(tmp_path):
    """A VOC folder of two annotated images, `a` with a picture."""
    for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (tmp_path / "VOC2007" / folder).mkdir(parents=True)
    voc = tmp_path / "VOC2007"
    for name in "ab":
        (voc / "Annotations" / f"{name}.xml").write_text(f"<annotation>{XML[name]}</annotation>")
    (voc / "ImageSets" / "Main" / "test.txt").write_text("b\na\n\n")
    picture = np.full((5, 7, 3), (255, 0, 0), np.uint8)
    cv2.imwrite(str(voc / "JPEGImages" / "a.png"), picture)
    return voc


OBJECT = ("<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
          "<difficult>{}</difficult><truncated>0</truncated></object>")
XML = {"a": OBJECT.format("dog", 1, 2, 3, 4, 1) + OBJECT.format("cow", 1, 1, 2, 2, 0), "b": ""}


def test_a_voc_folder(voc):
    source = ground_truth.read_voc_truth(voc, "test", LABELS)
    assert source.truth.image_ids == ["b", "a"]
    assert (source.truth.images.tolist(), source.truth.labels.tolist()) == ([1], [2])
    assert (source.truth.bboxes.tolist(), source.truth.difficults.tolist()) == ([[2, 1, 4, 3]], [True])
    assert source.other_classes == ["cow"]


def test_pictures_of_a_voc_folder(voc):
    truth = ground_truth.read_voc_truth(voc, "test", LABELS).truth
    images = ground_truth.load_voc_images(voc, truth, [0, 1])
    # OpenCV wrote blue first; pictures come as RGB. Image `b` has none.
    assert list(images) == [1]
    assert images[1].shape == (5, 7, 3)
    assert images[1][0, 0].tolist() == [0, 0, 255]


def test_the_folder_is_found_where_devkits_have_it(voc, tmp_path):
    assert voc_folders.locate_voc_folder(voc) == voc
    assert voc_folders.locate_voc_folder(tmp_path) == voc
    assert voc_folders.locate_voc_folder(tmp_path / "elsewhere") is None
    (tmp_path / "VOC2012" / "Annotations").mkdir(parents=True)
    with pytest.raises(InputError, match="several data sets in it"):
        voc_folders.locate_voc_folder(tmp_path)


@pytest.mark.parametrize(("text", "message"), [
    ("a\na\n", "'a' twice"), ("b\na\nb\n", "'b' twice"), ("\n", "no image"), ("a\nq\n", "lists 'q', but there is no"),
])
def test_a_list_that_is_amiss(voc, text, message):
    (voc / "ImageSets" / "Main" / "val.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        ground_truth.read_voc_truth(voc, "val", LABELS)


def test_a_split_that_is_not_there(voc):
    with pytest.raises(InputError, match="the splits there are: test"):
        ground_truth.read_voc_truth(voc, "train", LABELS)


def test_shards(tmp_path):
    shards = open_set(write_shards(tmp_path, difficult=[1])).data_sources
    truth = ground_truth.read_shard_truth(shards)
    assert truth.image_ids == [f"picture {number}" for number in range(len(PICTURES))]
    assert truth.bboxes.tolist() == [list(box) for _, box in PICTURES if box is not None]
    assert np.flatnonzero(truth.difficults).tolist() == [1]


def test_pictures_of_shards(tmp_path):
    shards = open_set(write_shards(tmp_path)).data_sources
    images = ground_truth.load_shard_images(shards[::-1], [5, 2])
    assert {index: image.shape[:2] for index, image in images.items()} == {5: PICTURES[5][0], 2: PICTURES[2][0]}
    assert images[5][20, 20].tolist() == [255, 255, 255]
    assert ground_truth.load_shard_images(shards, []) == {}


def test_pictures_of_shards_without_ids_are_numbered(tmp_path):
    shards = open_set(write_shards(tmp_path, with_ids=False)).data_sources
    truth = ground_truth.read_shard_truth(shards[::-1])
    assert truth.image_ids == [f"{number:06d}" for number in range(len(PICTURES))]


def test_what_is_no_picture():
    assert ground_truth.decode(b"no picture") is None


def test_two_pictures_of_one_name_cannot_be_told_apart_in_files(tmp_path):
    shards = open_set(write_shards(tmp_path)).data_sources
    with pytest.raises(InputError, match="two pictures of --dataset_dir are named 'picture 0'"):
        ground_truth.read_shard_truth([*shards, *shards])


def test_pictures_are_found_by_their_whole_names(voc):
    """`a.left` is another picture than `a`; brackets in a name are no pattern."""
    green = np.full((5, 7, 3), (0, 255, 0), np.uint8)
    for name in ("a.left", "x[1]"):
        cv2.imwrite(str(voc / "JPEGImages" / f"{name}.png"), green)
        (voc / "Annotations" / f"{name}.xml").write_text("<annotation/>")
    (voc / "ImageSets" / "Main" / "all.txt").write_text("a\nx[1]\n")
    truth = ground_truth.read_voc_truth(voc, "all", LABELS).truth
    images = ground_truth.load_voc_images(voc, truth, [0, 1])
    assert {index: image[0, 0].tolist() for index, image in images.items()} == {0: [0, 0, 255], 1: [0, 255, 0]}


def test_class_lists_leave_out_what_they_mark(voc):
    (voc / "ImageSets" / "Main" / "cat_test.txt").write_text("a  1\nb -1\n")
    assert ground_truth.read_voc_truth(voc, "cat_test", LABELS).truth.image_ids == ["a"]


def test_endings_in_capitals_and_accents_of_two_forms(voc):
    (voc / "Annotations" / "a.xml").rename(voc / "Annotations" / "u\u0308.XML")
    (voc / "JPEGImages" / "a.png").rename(voc / "JPEGImages" / "u\u0308.png")
    (voc / "ImageSets" / "Main" / "test.txt").write_text("\u00fc.png\nb\n", encoding="utf-8")
    source = ground_truth.read_voc_truth(voc, "test", LABELS)
    assert source.truth.image_ids == ["\u00fc", "b"] and source.truth.labels.tolist() == [2]
    assert list(ground_truth.load_voc_images(voc, source.truth, [0, 1])) == [0]


def test_pictures_are_not_turned_by_exif():
    turned, buffer = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    Image.new("RGB", (7, 5)).save(buffer, "JPEG", exif=turned)
    assert ground_truth.decode(buffer.getvalue()).shape == (5, 7, 3)
