"""How a finding is said, and which are problems."""
from datasets.findings import Finding, problems


def test_a_finding_says_where_what_and_why():
    assert str(Finding("box_missing", "a.xml", 3, "cat")) == "a.xml, object 3: the object has no box: cat"
    assert str(Finding("xml_not_voc", "a.xml", None, "")) == "a.xml: the XML is not a VOC annotation"


def test_what_can_be_repaired_is_no_problem():
    assert problems([Finding("box_clipped", "a", 1, ""), Finding("no_object", "a", None, "")]) == []


def test_no_object_left_is_listed_only_where_no_other_problem_of_the_file_says_why():
    found = [Finding("name_missing", "a", 1, ""), Finding("no_object_left", "a", None, ""),
             Finding("box_empty", "b", 1, ""), Finding("no_object_left", "b", None, "")]
    assert problems(found) == [found[0], found[3]]
