"""Conversions of folders as people have them: classes of odd names, accents in two forms, lists that name too much."""
import os
import re
import unicodedata

import cv2
import pytest

from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.console import InputError


def rewrite(folder, name, old, new):
    path = folder / "Annotations" / f"{name}.xml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_classes_found_by_themselves_may_not_be_the_background(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    rewrite(folder, "b", "<name>cat</name>", "<name>Background</name>")
    with pytest.raises(InputError, match=r"Annotations/b.xml: an object of the class 'Background'.*--on_error=skip"):
        run(folder, tmp_path / "out", "mine_train", labels="auto")
    for name in "ab":
        rewrite(folder, name, "object>", "Object>")
    with pytest.raises(InputError, match="no annotation in it has an object that can be used"):
        run(folder, tmp_path / "out", "mine_train", labels="auto")
    report = run(folder, tmp_path / "out", "mine_train")
    assert [finding.detail for finding in report.findings if finding.kind == "no_object"] == [
        "but 2 <Object>, which is not <object>"] * 2


def test_class_names_are_the_same_however_their_accents_are_written(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    rewrite(folder, "a", "cat", "Fu\u0308r")
    rewrite(folder, "b", "cat", "F\u00fcr")
    (folder / "labels.txt").write_text("Fu\u0308r\n", encoding="utf-8")
    for labels in (None, "auto"):
        report = run(folder, tmp_path / f"out{labels}", "mine_train", labels=labels)
        assert report.description["objects"] == {"F\u00fcr": 4}


def test_the_summary_counts_what_the_list_names(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "ImageSets" / "Main" / "some.txt").write_text("a\nmissing\ngone\na\n")
    report = run(folder, tmp_path / "out", "mine_some", split="some", on_error="skip")
    assert "1 of 3 pictures" in report.summary()


def test_a_picture_found_by_its_filename_is_not_said_to_have_no_annotation(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "JPEGImages/a.jpg").rename(folder / "JPEGImages/other.jpg")
    rewrite(folder, "a", "a.jpg", "other.jpg")
    report = run(folder, tmp_path / "out", "mine_train")
    assert [(one.kind, one.file) for one in report.findings] == [("picture_by_filename", "Annotations/a.xml")]


def test_coordinates_that_are_shares_of_the_sides_are_refused(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    for path in (folder / "Annotations").iterdir():
        path.write_text(re.sub(r"<([xy]m..)>(\d+)<", lambda m: f"<{m[1]}>{int(m[2]) / 500}<", path.read_text()))
    with pytest.raises(InputError, match="all 4 boxes are within the first pixel.*expected pixels"):
        run(folder, tmp_path / "out", "mine_train")
    (folder / "Annotations" / "b.xml").unlink()
    report = run(folder, tmp_path / "out", "mine_train")  # one picture alone may be what it says
    assert sum(finding.kind == "box_in_a_pixel" for finding in report.findings) == 2


def test_shares_of_the_sides_are_refused_of_the_objects_that_are_kept(tmp_path):
    """Those of a class that is left out do not count."""
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    for path in (folder / "Annotations").iterdir():
        text = re.sub(r"<([xy]m..)>(\d+)<", lambda m: f"<{m[1]}>{int(m[2]) / 500}<", path.read_text())
        path.write_text(text.replace("<name>cat", "<name>moose", 1))
    with pytest.raises(InputError, match="all 2 boxes are within the first pixel"):
        run(folder, tmp_path / "out", "mine_train", on_error="skip")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_a_filename_finds_its_picture_however_their_accents_are_written(form, stored, tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    there, written = (unicodedata.normalize(one, "F\u00fcr.jpg") for one in (stored, form))
    (folder / "JPEGImages/a.jpg").rename(folder / "JPEGImages" / there)
    rewrite(folder, "a", "a.jpg", written)
    report = run(folder, tmp_path / "out", "mine_train")
    assert [one.kind for one in report.findings] == ["picture_by_filename"]


def test_the_summary_counts_annotations_whose_names_cannot_be_used(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "Annotations/b.xml").rename(folder / "Annotations" / os.fsdecode(b"caf\xe9.xml"))
    assert "1 of 2 pictures" in run(folder, tmp_path / "out", "mine_train", on_error="skip").summary()


def test_a_picture_made_smaller_after_it_was_annotated(tmp_path):
    """What lies outside says which size was stated; what is left may be wrong, and the summary tells to look."""
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    path = folder / "JPEGImages" / "a.jpg"
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (125, 94)))
    with pytest.raises(InputError, match="xmin=231.* in 125×94, where the annotation states 500×375"):
        run(folder, tmp_path / "out", "mine_train")
    report = run(folder, tmp_path / "out", "mine_train", on_error="skip")
    assert [(f.kind, f.detail) for f in report.findings if f.kind == "size_scaled"] == [("size_scaled", "×0.25")]
    assert "noted: 1 × the stated size is the picture's at another scale" in report.summary()


@pytest.mark.parametrize("place", ["", "train"])
def test_annotations_beside_their_pictures(tmp_path, place):
    """As labelImg leaves them, or Roboflow's export."""
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "a.xml").write_text("<annotation/>")
    with pytest.raises(InputError, match="holds annotations outside of that layout: rename it .* README"):
        run(tmp_path, tmp_path / "out", "mine_train")
