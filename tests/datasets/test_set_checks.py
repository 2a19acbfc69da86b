"""What is seen of a set as a whole. Unknown classes and shared pictures are in the fault suite."""
from pathlib import Path

import pytest

from datasets import set_checks
from datasets.findings import Finding
from datasets.pascalvoc_to_tfrecords import run
from datasets.samples import Sample, SampleObject
from datasets.set_checks import drop_annotated, note_absent_classes, note_odd_sizes, note_order
from tests.datasets.voc_cases import annotation_text, make_voc_folder
from tests.shared_data import DATA, needs_shared


def samples(*classes):
    """A sample with one object of each of the classes that a string's letters name."""
    return [Sample(str(number), Path(f"voc/Annotations/{number}.xml"), Path(f"{number}.jpg"), None,
                   tuple(SampleObject(place, name, (0.0, 0.0, 1.0, 1.0), 0, 0) for place, name in enumerate(names, 1)),
                   (0, 0)) for number, names in enumerate(classes)]


@pytest.mark.parametrize(("classes", "noted"), [
    (["ab"] * 19 + ["b"], [("Annotations/19.xml", "no a, which 19 of 20 pictures have")]),
    (["ab"] * 18 + ["b"], []),  # 19 pictures are few
    (["ab"] * 18 + ["b"] * 2, []),  # 18 of 20 are not nearly all
    (["ab"] * 39 + ["a", "b"], [("Annotations/39.xml", "no b, which 40 of 41 pictures have"),
                                ("Annotations/40.xml", "no a, which 40 of 41 pictures have")]),
    (["aab"] * 19 + [""] * 19 + ["bb"], [("Annotations/38.xml", "no a, which 19 of 20 pictures have")]),
    (["a"] * 30 + [""], []),  # pictures without any object are background
    (["ab"] * 10 + ["a"] * 10, []),
    ([], []),
])
def test_pictures_without_a_class_of_nearly_all_others_are_noted(classes, noted):
    findings = []
    note_absent_classes(samples(*classes), Path("voc"), findings)
    assert sorted((finding.file, finding.detail) for finding in findings) == noted
    assert {(finding.kind, finding.grade, finding.object) for finding in findings} <= {("class_absent", "note", None)}


@pytest.mark.parametrize(("classes", "noted"), [
    (["a"] * 150 + ["b"] * 150, True),  # 1 change; by chance 150
    (["a"] * 100 + ["b"] * 100, False),  # 200 are read ahead together
    (["a", "b"] * 150, False),
    (["ab"] * 300, False),  # all alike: there is no order
    (["a"] * 285 + ["b"] * 15, True),  # 1 change; 29 by chance
    (["a"] * 295 + ["b"] * 5, False),  # 1 change; 10 by chance, which is few
    ([*"aaaaabbbbb"] * 30, True),  # frames of videos: a fifth change, half would
    ([*"aabb"] * 75, False),  # as a half do, which is still half of what chance makes
    (["", "a", "ab", "b"] * 75, False),
])
def test_an_order_by_class_is_noted(classes, noted):
    findings = []
    note_order(samples(*classes), findings)
    assert [(one.kind, one.file) for one in findings] == [("order_by_class", "Annotations")] * noted


@needs_shared
@pytest.mark.parametrize("name", ["BCCD", "raccoon", "voc2007-mini"])
def test_the_real_sets_have_no_order(name, tmp_path):
    assert "order_by_class" not in {one.kind for one in run(DATA / name, tmp_path, "a_all", on_error="skip").findings}


def test_a_shuffled_set_is_not_told_its_order(tmp_path, monkeypatch):
    folder = make_voc_folder(tmp_path / "voc", *(f"{number:02d}" for number in range(12)))
    for number in range(6):
        path = folder / "Annotations" / f"{number:02d}.xml"
        path.write_text(path.read_text().replace("<name>cat", "<name>dog"))
    monkeypatch.setattr(set_checks, "_READ_AHEAD", 10)
    monkeypatch.setattr(set_checks, "_FEW", 5)
    for shuffling in (False, True):
        report = run(folder, tmp_path / str(shuffling), "a_all", shuffling=shuffling)
        assert ("convert with --shuffle" in report.summary()) != shuffling


def test_a_picture_that_another_name_was_found_for_is_annotated():
    found = [Finding("picture_unannotated", "JPEGImages/other.jpg", None, ""),
             Finding("picture_by_filename", "Annotations/a.xml", None, "u\u0308.jpg"),
             Finding("picture_unannotated", "JPEGImages/\u00fc.jpg", None, ""),
             Finding("xml_missing", "ImageSets/Main/x.txt", None, "other.jpg")]
    kept = [found[0], found[1], found[3]]
    drop_annotated(found)
    assert found == kept


def boxes(name, *sides, at=0.3):
    """A sample for each side, of one object, whose upper left corner is at (at, at)."""
    return [Sample(str(number), Path(f"voc/Annotations/{name}{number}.xml"), Path(f"{name}{number}.jpg"), None,
                   (SampleObject(1, name, (at, at, at + side, at + side), 0, 0),), (0, 0))
            for number, side in enumerate(sides)]


USUAL = [0.10, 0.11] * 10  # quartiles .1 and .11: a factor of 1.1 between them, 1.1 ** 5 = 1.61


@pytest.mark.parametrize(("things", "noted"), [
    (boxes("a", *USUAL, 0.4), ["a20"]),
    (boxes("a", *USUAL, 0.03), ["a20"]),
    (boxes("a", *USUAL, 0.19), []),  # more than five ranges away, but less than twice the side
    (boxes("a", *[0.05, 0.1] * 10, 0.5), []),  # five times, but within five ranges of a factor of 2
    (boxes("a", *USUAL[:18], 0.4), []),  # 19 objects are few
    (boxes("a", *USUAL) + boxes("b", *[0.4] * 20), []),  # each like its own class
    (boxes("a", *USUAL) + boxes("b", *[0.4] * 20, 0.1), ["b20"]),  # all others exactly alike
    (boxes("a", *[0.1] * 20) + boxes("b", 0.4), []),
    (boxes("a", *USUAL) + boxes("a", 0.03, at=0.001), []),  # cut off by the border
    (boxes("a", *USUAL) + boxes("a", 0.03, at=0.965), []),
    (boxes("a", *USUAL) + boxes("a", 0.4, at=0.001), ["a0"]),  # however much of it is outside, it is too large
    ([], []),
])
def test_objects_of_a_size_unlike_their_class_are_noted(things, noted):
    findings = []
    note_odd_sizes(things, Path("voc"), findings)
    assert [finding.file for finding in findings] == [f"Annotations/{name}.xml" for name in noted]
    assert {(finding.kind, finding.grade, finding.object) for finding in findings} <= {("object_size_odd", "note", 1)}


def test_how_odd_a_size_is_is_told_in_sides():
    findings = []
    note_odd_sizes(boxes("a", *[0.1] * 20, 0.35), Path("voc"), findings)
    assert str(findings[0]) == ("Annotations/a20.xml, object 1: the object is far larger or smaller than others of its "
                                "class: a, 3.5 times the side of the median of 21")


@needs_shared
@pytest.mark.parametrize(("data", "split", "odd", "absent"), [
    ("BCCD", "trainval", ["113.xml, object 13", "133.xml, object 10"],
     [133, 134, 147, 150, 152, 224, 228, 250, 258, 267, 268, 322, 330, 350]),
    ("BCCD", "test", ["135.xml, object 9"], [249, 303, 327]),
    ("voc2007-mini", "trainval", [], []),
])
def test_cells_with_the_wrong_name_and_cells_that_nobody_annotated(data, split, odd, absent, tmp_path):
    """Seen on these pictures: a platelet called a white cell, two white cells called platelets; smears full of red
    cells, and one with a white cell, of which none is marked."""
    findings = run(DATA / data, tmp_path, f"x_{split}", split=split).findings
    places = {kind: [finding.place.removeprefix("Annotations/BloodImage_00") for finding in findings
                     if finding.kind == kind] for kind in ("object_size_odd", "class_absent")}
    assert places == {"object_size_odd": odd, "class_absent": [f"{number}.xml" for number in absent]}


def test_it_is_told_and_changes_nothing_that_is_stored(tmp_path):
    names = [f"{number:02d}" for number in range(20)]
    folder = make_voc_folder(tmp_path / "voc", *names)
    for name in names:  # one of the two cats of all but one picture becomes a dog
        text = annotation_text(name)
        (folder / "Annotations" / f"{name}.xml").write_text(text if name == "07" else text.replace("cat", "dog", 1))
    report = run(folder, tmp_path / "out", "voc_2007_x")
    assert "noted: 1 × the picture has none of a class that nearly all others have; kept" in report.summary()
    assert "Annotations/07.xml: no dog, which 19 of 20 pictures have" in report.text()
    assert report.description["objects"]["cat"] == 21
    assert report.description["num_samples"] == 20
