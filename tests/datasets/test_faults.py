"""The fault suite: each kind of damaged input, with what is said, what is kept and what is written."""
from pathlib import Path

import pytest

from datasets.dataset_factory import get_dataset
from datasets.findings import KINDS, OBJECT, PICTURE
from datasets.pascalvoc_to_tfrecords import run
from datasets.pictures import strict_decoder
from datasets.tfrecord_format import ParsedExample, parse_example
from tests.datasets.fault_cases import FAULTS
from tests.datasets.voc_cases import Fault, make_voc_folder
from tf_extended.compat import tf
from tf_extended.console import InputError


def _read(folder: Path) -> dict[str, ParsedExample]:
    examples = [parse_example(record) for path in sorted(folder.glob("*.tfrecord"))
                for record in tf.io.tf_record_iterator(str(path))]
    return {example.filename: example for example in examples}


def _ids(faults: tuple[Fault, ...]) -> list[str]:
    return [fault.name for fault in faults]


def test_the_suite_is_as_large_as_it_claims():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 100
    not_tried = set(KINDS) - {fault.kind for fault in FAULTS}
    # What concerns lists and folders rather than one sample is in test_voc_folders and test_set_checks.
    assert not_tried == {"xml_missing", "id_repeated", "picture_unannotated", "name_unusable", "class_absent",
                         "object_size_odd", "order_by_class", "xml_deeper"}


@pytest.mark.parametrize("fault", FAULTS, ids=_ids(FAULTS))
def test_skip_loses_nothing_but_what_is_damaged(fault, tmp_path):
    source, output = make_voc_folder(tmp_path / "voc", "bad", "good"), tmp_path / "out"
    fault.damage(source)
    report = run(source, output, "voc_2007_x", on_error="skip")

    kinds = {finding.kind: finding for finding in report.findings}
    if fault.kind is None:
        assert not kinds
    else:
        assert fault.kind in kinds
        assert "bad" in kinds[fault.kind].file
        assert str(kinds[fault.kind]) .startswith(kinds[fault.kind].file)
    examples = _read(output)
    assert set(examples) == ({"good"} if fault.objects is None else {"good", "bad"})
    assert len(examples["good"].labels) == 2
    if fault.objects is not None:
        bad = examples["bad"]
        assert len(bad.labels) == fault.objects
        assert strict_decoder()(bad.encoded, True).shape == tuple(bad.shape)
        assert ((bad.bboxes >= 0) & (bad.bboxes <= 1)).all()
        assert (bad.bboxes[:, :2] < bad.bboxes[:, 2:]).all()
    assert get_dataset("voc_2007", "x", str(output)).num_samples == len(examples)
    for line in ((output / "voc_2007_x.report.txt").read_text(), (output / "voc_2007_x.report.json").read_text()):
        assert fault.kind is None or kinds[fault.kind].file in line


@pytest.mark.parametrize("fault", FAULTS, ids=_ids(FAULTS))
def test_stop_creates_nothing_and_names_the_file(fault, tmp_path):
    source, output = make_voc_folder(tmp_path / "voc", "bad", "good"), tmp_path / "out"
    fault.damage(source)
    if fault.kind is None or KINDS[fault.kind].grade not in (PICTURE, OBJECT):
        assert run(source, output, "voc_2007_x").description["num_samples"] == 2
        return
    with pytest.raises(InputError) as stopped:
        run(source, output, "voc_2007_x")
    message = str(stopped.value)
    assert "bad." in message
    # What only follows from other problems is not listed beside them.
    said = "coordinate_not_number" if fault.name == "no object is usable" else fault.kind
    assert KINDS[said].meaning in message or "is not in the label map" in message
    assert "--on_error=skip" in message.splitlines()[-1]
    assert not output.exists()


def test_stop_lists_every_problem_at_once(tmp_path):
    names = [f"{number:03d}" for number in range(len(FAULTS))]
    source = make_voc_folder(tmp_path / "voc", "bad", *names)
    for name in names:
        (source / "Annotations" / f"{name}.xml").write_text("damaged")
    with pytest.raises(InputError) as stopped:
        run(source, tmp_path / "out", "voc_2007_x")
    assert all(f"Annotations/{name}.xml" in str(stopped.value) for name in names)
    assert "bad.xml" not in str(stopped.value)


def test_what_the_decoder_says_stays_off_the_terminal(tmp_path, capfd):
    source = make_voc_folder(tmp_path / "voc", "bad", "good")
    next(fault for fault in FAULTS if fault.name == "two bytes short").damage(source)
    run(source, tmp_path / "out", "voc_2007_x", on_error="skip")
    assert capfd.readouterr().err == ""
