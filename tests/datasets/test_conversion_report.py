"""What a report says of findings made by hand."""
import json

from datasets.conversion_report import ConversionReport, problems_text
from datasets.findings import Finding

DESCRIPTION = {"name": "a_b", "num_samples": 3, "objects": {"cat": 5, "dog": 0}, "difficult": {"cat": 2, "dog": 0}}
REPORT = ConversionReport(DESCRIPTION, 4, [Finding("box_clipped", "Annotations/a.xml", 2, "x"),
                                           Finding("box_clipped", "Annotations/b.xml", 1, "")])


def test_the_summary_counts_pictures_objects_and_findings():
    assert REPORT.summary().splitlines() == [
        "a_b: 3 of 4 pictures, 5 objects (2 difficult): cat 5",
        "  repaired: 2 × the box reaches beyond the picture; clipped to the picture"]


def test_the_text_names_every_place_under_its_kind():
    assert REPORT.text().removeprefix(REPORT.summary()).splitlines() == [
        "", "", "Repaired: the box reaches beyond the picture; clipped to the picture (2)",
        "  Annotations/a.xml, object 2: x", "  Annotations/b.xml, object 1"]


def test_the_json_holds_counts_and_what_was_done():
    values = json.loads(REPORT.json())
    assert (values["split"], values["annotations"], values["counts"]) == (DESCRIPTION, 4, {"box_clipped": 2})
    assert values["findings"][0] == {
        "file": "Annotations/a.xml", "object": 2, "kind": "box_clipped", "grade": "repair", "detail": "x",
        "meaning": "the box reaches beyond the picture", "action": "clipped to the picture"}


def test_objects_of_an_unknown_class_are_gathered_and_ten_of_their_files_named():
    files = [f"Annotations/{number:02d}.xml" for number in range(12)]
    found = [Finding("class_unknown", file, number, "cow") for file in files for number in (1, 2)]
    assert problems_text(found) == (
        f"  class 'cow' is not in the label map: 24 objects in {', '.join(files[:10])} and 2 more")
    assert problems_text(found[:20]).endswith(files[9])
