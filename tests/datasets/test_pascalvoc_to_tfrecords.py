import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from datasets import pascalvoc_to_tfrecords
from datasets.pascalvoc_to_tfrecords import run
from datasets.tfrecord_format import parse_example
from tests.datasets.voc_cases import BOXES, HEIGHT, WIDTH, digests, in_xml, make_voc_folder
from tests.shared_data import DATA, needs_shared
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError


def examples(folder):
    return [parse_example(record) for path in sorted(folder.glob("*.tfrecord"))
            for record in tf.io.tf_record_iterator(str(path))]


def test_a_converted_sample_by_hand(tmp_path):
    source = make_voc_folder(tmp_path / "VOC2007", "bad")
    in_xml("<difficult>0", "<difficult>1")(source)
    report = run(source, tmp_path / "out", "voc_2007_train", split="all")
    [example] = examples(tmp_path / "out")
    expected = [[ymin / HEIGHT, xmin / WIDTH, ymax / HEIGHT, xmax / WIDTH] for xmin, ymin, xmax, ymax in BOXES]
    np.testing.assert_allclose(example.bboxes, expected, atol=1e-7)
    assert example.labels.tolist() == [8, 8]
    assert example.difficults.tolist() == [1, 0] and example.truncateds.tolist() == [0, 0]
    assert example.shape.tolist() == [HEIGHT, WIDTH, 3] and example.filename == "bad"
    assert example.encoded == (source / "JPEGImages/bad.jpg").read_bytes()
    described = json.loads((tmp_path / "out/voc_2007_train.json").read_text())
    assert described == report.description
    assert described["format"] == 1 and described["num_samples"] == 1 and described["labels"][7] == "cat"
    assert described["objects"]["cat"] == 2 and described["difficult"]["cat"] == 1 and described["objects"]["dog"] == 0
    assert described["source"] == "VOC2007/ImageSets/Main/all.txt"


coordinates = st.tuples(*[st.integers(0, WIDTH * 8)] * 2, *[st.integers(0, HEIGHT * 8)] * 2).filter(
    lambda c: c[0] != c[1] and c[2] != c[3])


@settings(max_examples=25)
@given(corners=st.lists(coordinates, min_size=1, max_size=6, unique=True))
def test_boxes_survive_the_way_from_xml_to_shard(corners, tmp_path_factory):
    """Eighths of a pixel are exact in XML; back in pixels they differ by float32 rounding only."""
    boxes = [(min(x0, x1) / 8, min(y0, y1) / 8, max(x0, x1) / 8, max(y0, y1) / 8) for x0, x1, y0, y1 in corners]
    tmp_path = tmp_path_factory.mktemp("round_trip")
    source = make_voc_folder(tmp_path / "voc", "a")
    objects = "".join(f"<object><name>dog</name><bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin><xmax>{b[2]}</xmax>"
                      f"<ymax>{b[3]}</ymax></bndbox></object>" for b in boxes)
    (source / "Annotations/a.xml").write_text(f"<annotation>{objects}</annotation>")
    run(source, tmp_path / "out", "a_b")
    [example] = examples(tmp_path / "out")
    back = example.bboxes * [HEIGHT, WIDTH, HEIGHT, WIDTH]
    np.testing.assert_allclose(back[:, [1, 0, 3, 2]], boxes, atol=1e-4)


def test_shards_hold_the_stated_number_in_order_of_ids(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *"gfedcba")
    run(source, tmp_path / "out", "a_b", samples_per_file=3)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_b.json", "a_b.report.json", "a_b.report.txt",
        "a_b_000.tfrecord", "a_b_001.tfrecord", "a_b_002.tfrecord"]
    assert [example.filename for example in examples(tmp_path / "out")] == list("abcdefg")


def test_shuffling_is_the_documented_one(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *"abcdefg")
    run(source, tmp_path / "out", "a_b", shuffling=True)
    expected = [f"{name}.xml" for name in "abcdefg"]
    random.seed(4242)
    random.shuffle(expected)
    assert [f"{example.filename}.xml" for example in examples(tmp_path / "out")] == expected


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_number_of_processes(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *"abcdefghij")
    for count in (1, 3):
        run(source, tmp_path / str(count), "a_b", samples_per_file=2, num_workers=count, shuffling=True)
    assert digests(tmp_path / "1") == digests(tmp_path / "3")


@pytest.mark.parametrize(("given", "name"), [(".", "VOC2007"), ("JPEGImages/..", "VOC2007"), ("../VOC2007", "VOC2007"),
                                             (b"../caf\xe9", r"caf\udce9")])
def test_the_source_is_the_folders_name(given, name, tmp_path, monkeypatch):
    folder = make_voc_folder(tmp_path / "VOC2007", "a")
    given = os.fsdecode(given)
    if given.startswith("../caf"):
        folder.rename(tmp_path / given[3:]).joinpath("in").mkdir()
    monkeypatch.chdir(tmp_path / "VOC2007" if folder.exists() else tmp_path / given[3:] / "in/..")
    assert run(given, tmp_path / "out", "a_b").description["source"] == f"{name}/Annotations"
    assert json.loads((tmp_path / "out/a_b.json").read_text())["source"] == f"{name}/Annotations"


@pytest.mark.parametrize(("labels", "expected"), [
    (None, ("lynx", "dog", "cat")), ("auto", ("cat", "wolf")), ("other.txt", ("cat", "wolf"))])
def test_label_maps(labels, expected, tmp_path):
    """The folder's labels.txt; the classes of every annotation, not only the split's; a file."""
    source = make_voc_folder(tmp_path / "voc", "bad", "good")
    in_xml("<name>cat", "<name>wolf", 2)(source)
    (source / "ImageSets/Main/one.txt").write_text("good\n")
    (source / "labels.txt").write_text("lynx\ndog\ncat\n")
    (tmp_path / "other.txt").write_text("cat\nwolf\n")
    labels = str(tmp_path / labels) if labels == "other.txt" else labels
    described = run(source, tmp_path / "out", "a_b", split="one", labels=labels).description
    assert tuple(described["labels"]) == expected
    assert examples(tmp_path / "out")[0].labels.tolist() == [expected.index("cat") + 1] * 2


def test_unknown_classes_are_answered_with_what_was_found(tmp_path):
    source = make_voc_folder(tmp_path / "voc", "bad", "good")
    in_xml("<name>cat", "<name>unicorn")(source)
    with pytest.raises(InputError, match="^1 problem in (?s:.*)Classes found: cat 3, unicorn 1") as error:
        run(source, tmp_path / "out", "a_b")
    assert "'unicorn'" in str(error.value) and "Annotations/bad.xml" in str(error.value)
    assert "--labels=auto" in str(error.value)


def test_a_report_is_written_even_when_stopped_if_asked_for(tmp_path):
    source = make_voc_folder(tmp_path / "voc", "bad", "good")
    in_xml("<xmin>231", "<xmin>x")(source)
    with pytest.raises(InputError):
        run(source, tmp_path / "out", "a_b", report_dir=tmp_path / "report")
    report = json.loads((tmp_path / "report/a_b.report.json").read_text())
    assert report["findings"][0]["kind"] == "coordinate_not_number"
    assert report["findings"][0]["file"] == "Annotations/bad.xml" and report["findings"][0]["object"] == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk: the same error from the same call."""
    source = make_voc_folder(tmp_path / "voc", *"abcd")
    program = f"""
import resource, signal
from datasets.pascalvoc_to_tfrecords import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    run({str(source)!r}, {str(tmp_path / "out")!r}, "a_b")
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2], check=True)
    assert "RunError" in done.stdout and "writing failed" in done.stdout and "Make room" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []


def test_a_picture_that_changes_meanwhile_stops_the_run(tmp_path, monkeypatch):
    source = make_voc_folder(tmp_path / "voc", "a")
    check_room = pascalvoc_to_tfrecords._check_room

    def meanwhile(output, samples):
        (source / "JPEGImages/a.jpg").write_bytes(b"other")
        check_room(output, samples)

    monkeypatch.setattr(pascalvoc_to_tfrecords, "_check_room", meanwhile)
    with pytest.raises(RunError, match="changed while"):
        run(source, tmp_path / "out", "a_b")
    assert list((tmp_path / "out").iterdir()) == []


@needs_shared
@pytest.mark.parametrize("pack", ["raccoon", "BCCD", "voc2007-mini"])
@pytest.mark.parametrize("split", ["train", "val", "trainval", "test"])
def test_counts_of_the_real_data_sets(pack, split, tmp_path):
    """Counted here from the XML by a plain loop, as check.py counts them."""
    folder = DATA / pack
    ids = (folder / "ImageSets/Main" / f"{split}.txt").read_text().split()
    objects, difficult, empty = Counter(), Counter(), 0
    for name in ids:
        for thing in etree.parse(folder / "Annotations" / f"{name}.xml").findall("object"):
            if thing.findtext("bndbox/xmin") == thing.findtext("bndbox/xmax"):
                empty += 1
                continue
            objects[thing.findtext("name")] += 1
            difficult[thing.findtext("name")] += thing.findtext("difficult") == "1"
    report = run(folder, tmp_path, f"pack_{split}", split=split)
    assert report.description["num_samples"] == len(ids)
    assert {name: count for name, count in report.description["objects"].items() if count} == dict(objects)
    assert report.description["difficult"] == {name: difficult[name] for name in report.description["labels"]}
    assert sum(finding.kind == "box_empty" for finding in report.findings) == empty


@needs_shared
@pytest.mark.parametrize(("pack", "pictures", "objects", "difficult", "empty"), [
    ("raccoon", 200, 217, 0, 0), ("BCCD", 364, 4886, 0, 2), ("voc2007-mini", 131, 356, 49, 0)])
def test_totals_of_the_real_data_sets(pack, pictures, objects, difficult, empty, tmp_path):
    report = run(DATA / pack, tmp_path, "pack_all")
    described = report.description
    assert (described["num_samples"], sum(described["objects"].values())) == (pictures, objects)
    assert sum(described["difficult"].values()) == difficult
    assert sum(finding.kind == "box_empty" for finding in report.findings) == empty
    read = examples(tmp_path)
    assert (len(read), sum(len(example.labels) for example in read)) == (pictures, objects)
