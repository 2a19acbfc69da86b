import os
import shutil

import pytest

from datasets.voc_folders import find_voc_folder, list_samples, locate_voc_folder, year_folder
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.console import InputError
from tf_extended.files import SUFFIXES


@pytest.mark.parametrize("place", ["", "VOC2007", "VOCdevkit/VOC2007"])
def test_a_devkit_is_found_at_each_level(place, tmp_path):
    folder = make_voc_folder(tmp_path / "data" / place, "a")
    assert find_voc_folder(tmp_path / "data") == folder


def test_several_sets_are_not_chosen_from(tmp_path):
    for year in ("VOC2007", "VOC2012"):
        make_voc_folder(tmp_path / year, "a")
    with pytest.raises(InputError, match=r"VOC2007, VOC2012.*give the folder of one"):
        find_voc_folder(tmp_path)


def test_the_folder_of_a_year(tmp_path):
    one, other = (make_voc_folder(tmp_path / "VOCdevkit" / year, "a") for year in ("VOC2007", "VOC2012"))
    for given in (tmp_path, tmp_path / "VOCdevkit", one):
        assert year_folder(given, "2007") == one
    with pytest.raises(InputError, match=r"no VOC2007 there, but VOC2012; name the right year"):
        year_folder(other, "2007")
    shutil.rmtree(one)
    with pytest.raises(InputError, match=r"no VOC2007 there, but VOC2012"):
        year_folder(tmp_path, "2007")
    elsewhere = make_voc_folder(tmp_path / "mine", "a")
    assert year_folder(elsewhere, "2007") == elsewhere


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_voc_folder(tmp_path / "absent")
    with pytest.raises(InputError, match="no folder Annotations/"):
        find_voc_folder(tmp_path)
    shutil.rmtree(make_voc_folder(tmp_path / "voc", "a") / "JPEGImages")
    with pytest.raises(InputError, match="no folder JPEGImages/"):
        find_voc_folder(tmp_path / "voc")


def ids(folder, split):
    samples, findings = list_samples(folder, split)
    return [sample.id for sample in samples], {(finding.kind, finding.detail) for finding in findings}


def test_a_split_is_read_sorted_and_each_id_once(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "b", "a", "c d")
    (folder / "ImageSets/Main/some.txt").write_text("\ufeffc d\r\na\r\n\r\na\r\nabsent\r\n", encoding="utf-8")
    assert ids(folder, "some") == (["a", "c d"], {("id_repeated", "a"), ("xml_missing", "absent")})
    assert ids(folder, "all") == (["a", "b", "c d"], set())
    assert ids(folder, None) == (["a", "b", "c d"], set())


def test_voc_class_lists_leave_out_what_they_mark(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b", "c", "x 1")
    (folder / "ImageSets/Main/cat_train.txt").write_text("a  1\nb -1\nc  0\nx 1\n")
    assert ids(folder, "cat_train") == (["a", "c", "x 1"], set())


def test_pictures_without_annotation_are_noted(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "Annotations/b.xml").unlink()
    (folder / "JPEGImages/Thumbs.db").touch()
    samples, findings = list_samples(folder, None)
    assert [sample.id for sample in samples] == ["a"]
    assert [(finding.kind, finding.file) for finding in findings] == [("picture_unannotated", "JPEGImages/b.jpg")]


def test_annotations_in_folders_beside_others_are_noted(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "Annotations/more").mkdir()
    for name in ("b", "c"):
        shutil.copy(folder / "Annotations/b.xml", folder / f"Annotations/more/{name}.XML")
    for other in ("Annotations/.checkpoints/x.xml", "Annotations/mac/._b.xml"):  # nobody's annotations
        (folder / other).parent.mkdir()
        shutil.copy(folder / "Annotations/b.xml", folder / other)
    samples, findings = list_samples(folder, None)
    assert [sample.id for sample in samples] == ["a", "b"]
    assert [(finding.kind, finding.file) for finding in findings] == [("xml_deeper", "Annotations/more")]


def test_what_is_amiss_with_others_is_not_the_splits(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    shutil.copy(folder / "Annotations/b.xml", folder / "Annotations/b.XML")
    (folder / "ImageSets/Main/one.txt").write_text("a\n")
    assert ids(folder, "one") == (["a"], set())
    assert {kind for kind, _ in ids(folder, None)[1]} == {"duplicate_id"}


def test_unusable_lists(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    with pytest.raises(InputError, match=r"no list .*the lists there are: all"):
        list_samples(folder, "test")
    (folder / "ImageSets/Main/none.txt").write_text("\n")
    with pytest.raises(InputError, match="no picture is listed"):
        list_samples(folder, "none")
    (folder / "ImageSets/Main/bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8 text"):
        list_samples(folder, "bytes")
    (folder / "Annotations/a.xml").unlink()
    (folder / "JPEGImages/a.jpg").unlink()
    with pytest.raises(InputError, match="no annotation in it"):
        list_samples(folder, None)


def test_names_that_are_not_utf8_are_found(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "Annotations/b.xml").rename(folder / "Annotations" / os.fsdecode(b"caf\xe9.xml"))
    samples, findings = list_samples(folder, None)
    assert [sample.id for sample in samples] == ["a"]
    assert ("name_unusable", "Annotations/caf\\udce9.xml") in {(finding.kind, finding.file) for finding in findings}


def test_names_of_pictures_that_are_not_utf8_are_found(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    (folder / "JPEGImages" / os.fsdecode(b"caf\xe9.jpg")).touch()
    findings = list_samples(folder, None)[1]
    assert ("name_unusable", "JPEGImages/caf\\udce9.jpg") in {(finding.kind, finding.file) for finding in findings}


def test_lists_whose_names_are_not_utf8_are_named(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    split = os.fsdecode(b"caf\xe9")
    (folder / "ImageSets/Main" / f"{split}.txt").write_text("a\nabsent\n")
    findings = list_samples(folder, split)[1]
    assert [(finding.kind, finding.file) for finding in findings] == [
        ("xml_missing", "ImageSets/Main/caf\\udce9.txt")]


def test_accents_are_the_same_however_they_are_written(tmp_path):
    """macOS writes `ü` as `u` and a mark behind it."""
    apart, together = "u\u0308bung", "\u00fcbung"
    folder = make_voc_folder(tmp_path / "voc", apart)
    (folder / "ImageSets/Main/some.txt").write_text(f"{together}\n", encoding="utf-8")
    (folder / "JPEGImages" / f"{apart}.jpg").rename(folder / "JPEGImages" / f"{together}.jpg")
    samples, findings = list_samples(folder, "some")
    assert findings == [] and [sample.id for sample in samples] == [together]
    assert [path.stem for path in samples[0].pictures] == [together]


def test_lists_may_name_files_in_folders(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a b", "c.d", "e")
    lines = ["a b.jpg", "/home/me/JPEGImages/c.d.png", "D:\\pictures\\e.JPG", "f.jpg"]
    (folder / "ImageSets/Main/some.txt").write_text("\n".join(lines))
    assert ids(folder, "some") == (["a b", "c.d", "e"], {("xml_missing", "f.jpg")})


def test_names_in_lists_may_have_the_ending_of_any_picture(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    for suffix in (*SUFFIXES, ".xml"):
        (folder / "ImageSets/Main/some.txt").write_text(f"a{suffix}\n")
        assert ids(folder, "some") == (["a"], set()), suffix


def test_a_listed_name_with_a_dot_is_no_other_picture(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "frame", "g")
    (folder / "ImageSets/Main/some.txt").write_text("g\nframe.1\n")
    assert ids(folder, "some") == (["g"], {("xml_missing", "frame.1")})


def test_annotations_in_folders_of_their_own_are_told(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    (folder / "Annotations" / "sub").mkdir()
    (folder / "Annotations" / "a.xml").rename(folder / "Annotations" / "sub" / "a.xml")
    for split in (None, "all"):
        with pytest.raises(InputError, match="Annotations/sub: annotations in folders of their own.*move them up"):
            list_samples(folder, split)


def test_the_folder_around_the_devkit_serves_too(tmp_path):
    (tmp_path / "VOCdevkit" / "VOC2007" / "Annotations").mkdir(parents=True)
    assert locate_voc_folder(tmp_path) == tmp_path / "VOCdevkit" / "VOC2007"


def test_the_folder_of_a_year_by_relative_and_by_other_names(tmp_path, monkeypatch):
    one = make_voc_folder(tmp_path / "VOC2007", "a")
    make_voc_folder(tmp_path / "VOCdevkit" / "VOC2007", "a")
    assert year_folder(tmp_path, "2007") == one  # the nearer one
    monkeypatch.chdir(one)
    assert year_folder(".", "2007").samefile(one)
    with pytest.raises(InputError, match="no VOC2012 there, but VOC2007"):
        year_folder(".", "2012")
    mine = make_voc_folder(tmp_path / "VOC2012_mine", "a")
    assert year_folder(mine, "2007") == mine


def test_a_folder_of_none_but_unusable_names_is_told_of(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a")
    (folder / "Annotations/a.xml").rename(folder / "Annotations" / os.fsdecode(b"caf\xe9.xml"))
    samples, findings = list_samples(folder, None)
    assert samples == [] and "name_unusable" in {finding.kind for finding in findings}


def test_every_picture_of_a_name_is_listed(tmp_path):
    folder = make_voc_folder(tmp_path / "voc", "a", "b")
    (folder / "Annotations/b.xml").unlink()
    for name in "ab":
        shutil.copy(folder / f"JPEGImages/{name}.jpg", folder / f"JPEGImages/{name}.png")
    samples, findings = list_samples(folder, None)
    assert [path.name for path in samples[0].pictures] == ["a.jpg", "a.png"]
    assert [(finding.kind, finding.file) for finding in findings] == [
        ("picture_unannotated", "JPEGImages/b.jpg"), ("picture_unannotated", "JPEGImages/b.png")]
