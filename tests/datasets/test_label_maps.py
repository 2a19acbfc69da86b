import json

import pytest

from datasets.label_maps import check_labels, labels_to_names, load_labels
from datasets.pascalvoc_common import VOC_CLASSES, VOC_LABELS
from tf_extended.console import InputError


@pytest.mark.parametrize(("name", "text"), [
    ("labels.txt", "cat\ndog\nbig bird\n"),
    ("labels.txt", "\ufeffcat\r\ndog\r\nbig bird\r\n\r\n"),
    ("LABELS.TXT", " cat\t\ndog \nbig bird"),
    ("set_train.json", json.dumps({"format": 1, "labels": ["cat", "dog", "big bird"]})),
    ("label_map.pbtxt", "item {\n id: 2\n name: 'dog'\n}\nitem { name: \"cat\" id: 1 display_name: 'Cat' }\n"
                        "# item { id: 9 name: 'x' }\nitem { id: 3, name: 'big bird' }"),
    ("label_map.pbtxt", "item { id: 0 name: 'none' } item { id: 1 name: 'cat' } item { id: 2 name: 'dog' } "
                        "item { id: 3 name: 'big bird' }"),
    ("label_map.pbtxt", "# it's\nitem { keypoints { id: 7 name: 'beak' } id: 3 name: 'big bird' } # won't\n"
                        "item { display_name: 'a } # id: 9' id: 1 # the first's\n name: 'cat' };"
                        "item { id: 2 name: 'dog' }"),
])
def test_every_form_gives_the_same_names(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_labels(tmp_path / name) == ("cat", "dog", "big bird")


@pytest.mark.parametrize(("name", "text"), [
    ("labels.txt", "Fu\u0308r"), ("a.pbtxt", "item { id: 1 name: 'Fu\u0308r' }"),
    ("a.json", '{"labels": ["Fu\u0308r"]}'),
])
def test_accents_of_either_form_are_one_name(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_labels(tmp_path / name) == ("F\u00fcr",)


@pytest.mark.parametrize(("written", "meant"), [
    (r'"caf\303\251"', "caf\u00e9"), (r"'cafe\314\201'", "caf\u00e9"), (r'"caf\xc3\xa9s"', "caf\u00e9s"),
    (r'"\u00e9\U0001f431"', "\u00e9\U0001f431"), (r"""'a \'b\' \"c\" \\'""", """a 'b' "c" \\"""),
    (r'"\1011"', "A1"),  # three octal digits are the most that belong to it
    ('"a\'b"', "a'b"), ('"{a} #1"', "{a} #1"), ("'}'", "}"), (r'"a\\"', "a\\"), ('"\u00fc"', "\u00fc"),
    ("'a ' \"b\"\n'c'", "a bc"),
])
def test_escapes_in_a_pbtxt(written, meant, tmp_path):
    (tmp_path / "a.pbtxt").write_text(f"item {{ name: {written} id: 1 }}", encoding="utf-8")
    assert load_labels(tmp_path / "a.pbtxt") == (meant,)


@pytest.mark.parametrize("name", ["\u0645\u06cc\u200c\u0631\u0648\u0645", "\U0001f469\u200d\U0001f33e", "a\u00a0b",
                                  "\u732b\u3000\u72ac"])
def test_names_of_any_script_are_class_names(name, tmp_path):
    """With joiners, which show nothing by themselves, and blanks of other widths."""
    (tmp_path / "labels.txt").write_text(f"{name}\ncat\n", encoding="utf-8")
    assert load_labels(tmp_path / "labels.txt") == (name, "cat")


@pytest.mark.parametrize(("name", "text", "said"), [
    ("labels.txt", "", "no class name"),
    ("labels.txt", "cat\n\ndog\n", "line 2 is empty"),
    ("labels.txt", "cat\ndog\ncat\n", "'cat' stands there twice"),
    ("labels.txt", "background\ncat\n", "id 0"),
    ("labels.txt", "none\ncat\n", "id 0"),
    ("labels.txt", "__ignore__\n_background_\ncat\n", "leave '__ignore__' out"),
    ("labels.txt", "ca\x00t\n", "printable"),
    ("a.json", '{"labels": ["a\\u2028b"]}', "printable"),
    ("a.json", "{", 'no list "labels"'),
    ("a.json", "[1]", 'no list "labels"'),
    ("a.json", '{"labels": "cat"}', 'no list "labels"'),
    ("a.json", '{"labels": [1]}', "class 1 is 1"),
    ("a.json", '{"labels": ["a", " "]}', "class 2 is ' '"),
    ("a.json", '{"names": ["a"]}', 'no list "labels"'),
    ("a.pbtxt", "item { id: 2 name: 'a' } item { id: 3 name: 'b' }", "without gaps"),
    ("a.pbtxt", "a { " * 5000, "not understood"),
    ("a.pbtxt", "item { id: 1 name: 'a' } item { id: 3 name: 'b' }", "without gaps"),
    ("a.pbtxt", "item { id: 1 name: 'a' } item { id: 1 name: 'b' }", "id 1 stands there twice"),
    ("a.pbtxt", "item { name: 'a' }", "without id or name"),
    ("a.pbtxt", "item { name: 'id: 1' }", "without id or name"),
    ("a.pbtxt", "item { id: 1 name: 'it's' }", "not understood: 1:2.*expected of each class item"),
    *(("a.pbtxt", f"item {{ id: 1 name: '{escape}' }}", "not understood: 1:2")
      for escape in (r"\351", r"\777", r"\x", r"\u12", r"\ud800")),
    ("a.pbtxt", r"item { id: 1 name: 'a\nb' }", "printable"),
    ("a.csv", "cat", "expected labels.txt"),
])
def test_unusable_label_maps_are_named(name, text, said, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        load_labels(tmp_path / name)
    assert name in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "labels.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        load_labels(tmp_path / "labels.txt")
    with pytest.raises(InputError, match="No such file"):
        load_labels(tmp_path / "absent.txt")


def test_voc_classes_have_their_documented_ids():
    assert len(VOC_CLASSES) == 20 and len(VOC_LABELS) == 21
    assert VOC_LABELS["none"] == (0, "Background")
    assert (VOC_LABELS["aeroplane"], VOC_LABELS["person"], VOC_LABELS["tvmonitor"]) == (
        (1, "Vehicle"), (15, "Person"), (20, "Indoor"))
    assert labels_to_names(VOC_CLASSES)[0] == "none" and labels_to_names(VOC_CLASSES)[8] == "cat"


@pytest.mark.parametrize("name", ["None", "BACKGROUND", "Background", "_background_", "__background__"])
def test_reserved_names_are_no_classes_however_they_are_written(name):
    with pytest.raises(InputError, match=f"leave '{name}' out"):
        check_labels(["cat", name], "labels.txt")
