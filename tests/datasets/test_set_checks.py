"""What is seen of a set as a whole. Unknown classes and shared pictures are in the fault suite."""
from pathlib import Path

import pytest

from datasets.pascalvoc_to_tfrecords import run
from datasets.samples import Sample, SampleObject
from datasets.set_checks import note_absent_classes
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


@needs_shared
def test_red_cells_that_nobody_annotated(tmp_path):
    """A smear is full of them: seen on these three pictures."""
    report = run(DATA / "BCCD", tmp_path, "bccd_test", split="test")
    assert [finding.file for finding in report.findings if finding.kind == "class_absent"] == [
        f"Annotations/BloodImage_00{number}.xml" for number in (249, 303, 327)]
