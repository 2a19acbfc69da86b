"""Where a conversion may write, and what a stopped one leaves there."""
import errno
import os

import pytest

from datasets import pascalvoc_to_tfrecords
from datasets.dataset_factory import get_dataset
from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import digests, in_xml, make_voc_folder
from tf_extended.console import InputError, RunError


@pytest.mark.parametrize(("output", "name", "message"), [
    ("out", "pascalvoc_2007_train", r"are shards named voc_2007_\{split\}"),
    ("sh [v2]", "a_b", r"\[ in its path would keep training"), ("a, b", "a_b", ", in its path would keep training"),
])
def test_what_could_not_be_read_again_is_not_written(output, name, message, tmp_path):
    source = make_voc_folder(tmp_path / "voc", "a")
    with pytest.raises(InputError, match=message):
        run(source, tmp_path / output, name)
    assert not (tmp_path / output).exists()


def test_a_report_of_a_stopped_run_is_in_nobodys_way(tmp_path):
    source, output = make_voc_folder(tmp_path / "voc", "a", "b"), tmp_path / "out"
    annotation = source / "Annotations/a.xml"
    whole = annotation.read_bytes()
    annotation.write_bytes(b"damaged")
    with pytest.raises(InputError):
        run(source, output, "a_b", report_dir=output)
    assert "xml_unparsable" in (output / "a_b.report.json").read_text()
    annotation.write_bytes(whole)
    run(source, output, "a_b", report_dir=output)
    report = (output / "a_b.report.json").read_text()
    assert "xml_unparsable" not in report
    annotation.write_bytes(b"damaged")
    with pytest.raises(InputError):
        run(source, output, "a_b", report_dir=output / ".." / output.name, overwrite=True)
    assert (output / "a_b.report.json").read_text() == report  # it tells of the set that is still there


@pytest.mark.parametrize(("output", "report", "message"), [
    ("out", "file", "--report_dir=.*file is not a folder that can be written to"),
    ("out", "file/sub", "--report_dir=.*file is not a folder that can be written to"),
    ("file/sub", None, "--output_dir=.*file is not a folder that can be written to"),
    (b"caf\xe9", None, r"--output_dir=.*caf\\udce9: expected a path in UTF-8"),
])
def test_folders_that_cannot_be_written_are_found_first(output, report, message, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=message):  # before anybody sees that there is nothing to convert
        run(tmp_path, tmp_path / os.fsdecode(output), "a_b", report_dir=report and tmp_path / report)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_is_overwritten_unasked(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *"abcd")
    run(source, tmp_path / "out", "a_b", samples_per_file=1)
    before = digests(tmp_path / "out")
    with pytest.raises(InputError, match="exists already.*--overwrite"):
        run(source, tmp_path / "out", "a_b", samples_per_file=2)
    assert digests(tmp_path / "out") == before
    run(source, tmp_path / "out", "a_b", samples_per_file=2, overwrite=True)
    assert get_dataset("a", "b", str(tmp_path / "out")).num_samples == 4
    assert len(list((tmp_path / "out").glob("*.tfrecord"))) == 2


def test_a_conversion_that_ended_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    source, before = make_voc_folder(tmp_path / "voc", *"abcd"), {}
    check_room = pascalvoc_to_tfrecords._check_room

    def meanwhile(output, samples):
        if not before:
            before["begun"] = True
            run(source, output, "a_b", samples_per_file=1)
            before.update(digests(output))
        check_room(output, samples)

    monkeypatch.setattr(pascalvoc_to_tfrecords, "_check_room", meanwhile)
    with pytest.raises(InputError, match="exists already.*--overwrite"):
        run(source, tmp_path / "out", "a_b")
    assert {"begun": True, **digests(tmp_path / "out")} == before


@pytest.mark.parametrize("number", [0, -5])
def test_shards_of_no_picture_are_refused(number, tmp_path):
    with pytest.raises(InputError, match=f"samples_per_file={number}: expected at least one"):
        run(tmp_path, tmp_path / "out", "a_b", samples_per_file=number)


def test_a_stopped_overwrite_leaves_the_old_set(tmp_path):
    source = make_voc_folder(tmp_path / "voc", "a", "bad")
    run(source, tmp_path / "out", "a_b")
    before = digests(tmp_path / "out")
    in_xml("<xmin>231", "<xmin>x")(source)
    with pytest.raises(InputError):
        run(source, tmp_path / "out", "a_b", overwrite=True)
    assert digests(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["train", "a/b_train", "../a_train", "_", ".a_b", "a b_c", "", "a_b.report",
                                  "a_b.Report"])
def test_output_names_that_readers_could_not_find(name, tmp_path):
    with pytest.raises(InputError, match="--output_name"):
        run(tmp_path, tmp_path / "out", name)


def test_too_little_room_is_found_before_the_work(tmp_path, monkeypatch):
    source = make_voc_folder(tmp_path / "voc", "a")
    monkeypatch.setattr(pascalvoc_to_tfrecords.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(InputError, match="disk is full"):
        run(source, tmp_path / "out", "a_b")
    assert not (tmp_path / "out").exists()


def test_what_may_not_be_written_is_not_answered_with_room(tmp_path, monkeypatch):
    source = make_voc_folder(tmp_path / "voc", "a")

    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(pascalvoc_to_tfrecords, "save_split", refused)
    with pytest.raises(RunError, match="Permission denied; nothing was left.*\nMake it writable or choose"):
        run(source, tmp_path / "out", "a_b")
    assert list((tmp_path / "out").iterdir()) == []
