"""Where a conversion may write, and what a stopped one leaves there."""
import os

import pytest

from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import make_voc_folder
from tf_extended.console import InputError


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
        run(source, output, "a_b", report_dir=output, overwrite=True)
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
