"""Result files: an inverse pair, and errors that name the line."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tf_extended.evaluation.cases import NAMES, assert_same_rows
from tf_extended.console import InputError
from tf_extended.evaluation.records import make_detections, select_rows
from tf_extended.evaluation.result_files import check_file_names, read_result_files, write_result_files

IMAGES = ["000005", "a picture with spaces", "z", "of two\u2028lines"]
numbers = st.floats(-1e4, 1e4, width=64)
rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 2), st.floats(0, 1), st.tuples(*[numbers] * 4)), max_size=8
)


@settings(max_examples=50)
@given(rows)
def test_round_trip(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("results")
    detections = make_detections((image, [label], [score], [box]) for image, label, score, box in rows)
    write_result_files(folder, "test", detections, IMAGES, NAMES)
    read = read_result_files(folder, "test", IMAGES, NAMES)
    # Files are per class: the order within a class stays.
    by_class = select_rows(detections, detections.labels.argsort(kind="stable"))
    assert_same_rows(read.detections, by_class)
    assert (read.missing, read.unknown) == ([], [])


def test_a_class_whose_file_no_file_system_takes_is_told_before_any_work():
    check_file_names("test", {0: "none", 1: "cat", 2: "a/" * 50})  # 3 bytes a slash: 200 in all
    with pytest.raises(InputError, match=r"class 2, '\u732b+'…: its result file's name would have 274 bytes"):
        check_file_names("test", {0: "none", 1: "cat", 2: "\u732b" * 85})


def test_the_devkits_columns(tmp_path):
    detections = make_detections([(0, [2], [0.5], [(1, 2, 3, 4)])])
    paths = write_result_files(tmp_path, "test", detections, IMAGES, NAMES)
    assert [path.name for path in paths] == ["comp4_det_test_cat.txt", "comp4_det_test_dog.txt"]
    assert [path.read_text() for path in paths] == ["", "000005 0.5 2.0 1.0 4.0 3.0\n"]


def test_a_class_without_a_file_and_a_file_without_a_class(tmp_path):
    (tmp_path / "comp4_det_test_dog.txt").write_text("z 0.5 1 2 3 4\n\n")
    (tmp_path / "comp4_det_test_cow.txt").write_text("z 0.5 1 2 3 4\n")
    (tmp_path / "comp4_det_val_cat.txt").write_text("z 0.5 1 2 3 4\n")
    read = read_result_files(tmp_path, "test", IMAGES, NAMES)
    assert read.missing == ["cat"]
    assert read.unknown == ["comp4_det_test_cow.txt"]
    assert read.detections.bboxes.tolist() == [[2, 1, 4, 3]]


def test_accents_in_the_form_of_another_system(tmp_path):
    (tmp_path / "comp4_det_test_cafe\u0301.txt").write_text("bu\u0301ho 0.5 1 2 3 4\n", encoding="utf-8")
    read = read_result_files(tmp_path, "test", ["b\u00faho"], {1: "caf\u00e9"})
    assert (read.detections.images.tolist(), read.missing, read.unknown) == ([0], [], [])


def test_a_split_whose_name_holds_a_pattern(tmp_path):
    (tmp_path / "comp4_det_test[1]_cat.txt").write_text("z 0.5 1 2 3 4\n")
    assert read_result_files(tmp_path, "test[1]", IMAGES, NAMES).detections.labels.tolist() == [1]


@pytest.mark.parametrize("line", [
    "z 0.5 1 2 3", "z x 1 2 3 4", "z nan 1 2 3 4", "z 0.5 1 2 inf 4", "z", "0.5 1 2 3 4",
])
def test_a_line_that_does_not_parse_is_named(tmp_path, line):
    (tmp_path / "comp4_det_test_cat.txt").write_text(f"z 0.5 1 2 3 4\n{line}\n")
    with pytest.raises(InputError, match=r"comp4_det_test_cat\.txt:2: expected"):
        read_result_files(tmp_path, "test", IMAGES, NAMES)


def test_an_unknown_image_is_named(tmp_path):
    (tmp_path / "comp4_det_test_cat.txt").write_text("q 0.5 1 2 3 4\n")
    with pytest.raises(InputError, match="'q' is not in this split"):
        read_result_files(tmp_path, "test", IMAGES, NAMES)


def test_no_file_at_all(tmp_path):
    with pytest.raises(InputError, match=r"no result file of split 'test' .* like comp4_det_test_cat\.txt"):
        read_result_files(tmp_path, "test", IMAGES, NAMES)


def test_classes_with_slashes_have_files_of_their_own(tmp_path):
    names = {1: "car/truck", 2: "car%2Ftruck"}
    detections = make_detections([(0, [1], [0.5], [(1, 2, 3, 4)]), (1, [2], [0.25], [(1, 2, 3, 4)])])
    paths = write_result_files(tmp_path, "test", detections, IMAGES, names)
    assert [path.name for path in paths] == ["comp4_det_test_car%2Ftruck.txt", "comp4_det_test_car%252Ftruck.txt"]
    assert_same_rows(read_result_files(tmp_path, "test", IMAGES, names).detections, detections)


def test_what_windows_editors_save(tmp_path):
    file = tmp_path / "comp4_det_test_cat.txt"
    file.write_text("z 0.5 1 2 3 4\n", encoding="utf-8-sig")
    assert read_result_files(tmp_path, "test", IMAGES, NAMES).detections.images.tolist() == [2]
    file.write_text("z 0.5 1 2 3 4\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"comp4_det_test_cat\.txt is not UTF-8 text"):
        read_result_files(tmp_path, "test", IMAGES, NAMES)
