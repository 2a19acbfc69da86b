"""The report's files: what they say, and that their pictures show it."""
import json
import re

import cv2
import numpy as np
import pytest

from tests.tf_extended.evaluation.cases import NAMES
from tf_extended.compat import tf
from tf_extended.evaluation import curve, pictures, publishing, report
from tf_extended.evaluation.records import make_detections, make_ground_truth

BOX, FAR = (21, 11, 60, 50), (61, 61, 80, 80)
STEP = {"checkpoint": "train/model.ckpt-120", "step": 120, "settings": {"batch_size": 8},
        "seconds": {"restoring": 1.0, "network": 0.5}, "images_per_second": 12.5}


def evaluation(info=STEP):
    """Two images: in `a` a cat is found and another missed, in `b` a difficult dog and a false alarm."""
    truth = make_ground_truth([("a", [1, 1], [BOX, FAR], [False, False]), ("b", [2], [BOX], [True])])
    found = make_detections([(0, [1], [0.9], [BOX]), (1, [2, 1], [0.8, 0.7], [BOX, FAR])])
    return report.evaluate(found, truth, NAMES, 0.5, info)


def nothing(info=STEP):
    return report.evaluate(make_detections([]), make_ground_truth([("a", [], [], [])]), NAMES, 0.5, info)


def grey_images(indices):
    return {index: np.full((100, 100, 3), 128, np.uint8) for index in indices}


def test_report_json(tmp_path):
    report.write_report(tmp_path, evaluation(), grey_images, 4)
    values = json.loads((tmp_path / "report.json").read_text())
    assert (values["images"], values["checkpoint"], values["step"]) == (2, "train/model.ckpt-120", 120)
    assert values["voc07"] == {"mAP": pytest.approx(6 / 11), "AP": {"cat": pytest.approx(6 / 11), "dog": None}}
    assert values["voc12"] == {"mAP": pytest.approx(0.5), "AP": {"cat": pytest.approx(0.5), "dog": None}}
    cat, dog = values["classes"]["cat"], values["classes"]["dog"]
    assert (cat["objects"], cat["difficult"], cat["detections"]) == (2, 0, 2)
    assert (dog["objects"], dog["difficult"], dog["detections"]) == (0, 1, 1)
    assert cat["best_f1"]["threshold"] == 0.9
    assert dog["best_f1"] is None
    assert values["errors"]["count"]["cat"]["missed"] == 1
    assert values["confusion"]["names"] == ["none", "cat", "dog"]
    assert values["coco"]["per_class"]["dog"]["AP"] is None


def test_pictures_are_loaded_once_for_all_that_is_drawn(tmp_path):
    asked = []
    report.write_report(tmp_path, evaluation(), lambda indices: asked.append(indices) or grey_images(indices), 4)
    assert asked == [[0, 1]]  # image 0 has an error, and both are typical


def test_report_html_is_one_file(tmp_path):
    page = report.write_report(tmp_path, evaluation(), grey_images, 4).read_text()
    assert "mAP 0.5455 (VOC07) · 0.5000 (VOC12)" in page
    # Every picture is inside: three figures, the one picture with an error at the operating point, both typical ones.
    assert len(re.findall(r'src="data:image/png;base64,', page)) == 6
    assert not re.search(r'src="(?!data:)', page)


def test_figures_and_pictures_open(tmp_path):
    report.write_report(tmp_path, evaluation(), grey_images, 4)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")}
    assert names == {"precision_recall.png", "confusion.png", "errors.png", "worst/01_a.png",
                     "typical/01_a.png", "typical/02_b.png"}
    assert all(cv2.imread(str(tmp_path / name)) is not None for name in names)


def test_charts_take_any_class_name(tmp_path, capsys, recwarn):
    """What is no formula, and a letter that no font has: a code point of private use."""
    truth = make_ground_truth([("a", [1, 2], [BOX, FAR], [False, False])])
    found = make_detections([(0, [1, 1], [0.9, 0.8], [BOX, FAR])])
    names = {1: r"$5\x$ note", 2: "odd \ue123"}
    report.write_report(tmp_path, report.evaluate(found, truth, names, 0.5, STEP), grey_images, 0)
    assert "$5\\x$ note" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.count("have squares in place of letters") == 1
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_pictures_of_an_earlier_evaluation_go(tmp_path):
    report.write_report(tmp_path, evaluation(), grey_images, 4)
    report.write_report(tmp_path, evaluation(), lambda indices: {}, 4)
    assert list((tmp_path / "worst").iterdir()) == []


def test_boxes_are_drawn_where_they_are():
    result = evaluation()
    image = grey_images([0])[0]
    drawn = pictures.draw_image(image, 0, result.detections, result.truth, result.analysis, NAMES)
    scale = drawn.shape[0] / 100
    # On the upper edges: the missed object's colour, and where one was found the detection's, above the object's.
    assert tuple(drawn[round(60 * scale), round(70 * scale)]) == pictures.MISSED
    assert tuple(drawn[round(20 * scale), round(40 * scale)]) == pictures.RIGHT
    assert tuple(drawn[int(40 * scale), int(30 * scale)]) == (128, 128, 128)
    # Nothing of the other image, which has a false alarm and a difficult object; and the caller's stays as it was.
    assert not any((drawn == colour).all(axis=-1).any() for colour in (pictures.WRONG, pictures.DIFFICULT))
    assert (image == 128).all()


def test_a_box_that_is_far_outside_is_drawn_as_far_as_it_is_seen():
    drawn = pictures.draw_marks(grey_images([0])[0], [
        pictures.Mark(np.array([-1e11, 51, 1e11, 1e12]), pictures.RIGHT, "far")])
    assert tuple(drawn[320, 320]) == pictures.RIGHT  # its left edge: after 50 of 100 pixels, of 640
    assert tuple(drawn[320, 600]) == (128, 128, 128)


def test_names_of_pictures_may_be_as_long_as_files_can_be(tmp_path):
    image_id = "\u4e2d" * 83
    truth = make_ground_truth([(image_id, [1], [BOX], [False])])
    result = report.evaluate(make_detections([]), truth, NAMES, 0.5, STEP)
    page = report.write_report(tmp_path, result, grey_images, 1).read_text(encoding="utf-8")
    [picture] = (tmp_path / "worst").iterdir()
    assert picture.name.startswith("01_\u4e2d\u4e2d") and f"{image_id}: 1 error" in page


def test_marks_tell_found_missed_right_and_difficult(monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "draw_marks", lambda image, marks: drawn.append(
        [(mark.bbox.tolist(), mark.colour, mark.text) for mark in marks]))
    result = evaluation()
    for index in (0, 1):
        pictures.draw_image(None, index, result.detections, result.truth, result.analysis, NAMES)
    assert drawn[0] == [(list(BOX), pictures.FOUND, ""), (list(FAR), pictures.MISSED, "missed cat"),
                        (list(BOX), pictures.RIGHT, "cat 0.90")]
    assert drawn[1] == [(list(BOX), pictures.DIFFICULT, "")]  # the false alarm is below the operating point


def test_worst_images_come_first_and_right_ones_not_at_all():
    analysis = evaluation().analysis._replace(image_errors=np.array([0, 2, 5, 2]))
    assert pictures.worst_images(analysis, 10) == [2, 1, 3]
    assert pictures.worst_images(analysis, 1) == [2]


@pytest.mark.parametrize(("num_images", "count", "chosen"), [
    (9, 3, [0, 4, 8]), (2, 8, [0, 1]), (1, 8, [0]), (0, 8, []), (5, 0, [])])
def test_typical_images_are_evenly_spread(num_images, count, chosen):
    assert pictures.typical_images(num_images, count) == chosen


def test_tables_line_up():
    table = report.text_table(report.COLUMNS, report.class_rows(evaluation().scores)).splitlines()
    assert table[1].split() == ["cat", "2", "0", "2", "0.5455", "0.5000", "0.667", "0.900"]
    assert table[2].split() == ["dog", "0", "1", "1", "-", "-", "-", "-"]
    assert table[3].split() == ["mean", "2", "1", "3", "0.5455", "0.5000"]
    assert len({line.index(text) + len(text) for line, text in zip(table, ("AP07", "0.5455"), strict=False)}) == 1


def test_everything_is_published(tmp_path, capsys):
    publishing.publish(tmp_path, evaluation(), grey_images, 4, "val")
    said = capsys.readouterr().out
    assert "mAP VOC07 0.5455  VOC12 0.5000" in said
    assert "2 images, 12.5 images/s; milliseconds an image: network 250.0" in said
    assert (tmp_path / "comp4_det_val_cat.txt").read_text().startswith("a 0.9 11.0 21.0 50.0 60.0\n")
    assert json.loads((tmp_path / "curve.json").read_text())["points"][0]["step"] == 120
    assert "mAP over the steps" in (tmp_path / "report.html").read_text()


def test_where_nothing_is_right_no_best_is_told(tmp_path, capsys):
    truth = make_ground_truth([("a", [1], [BOX], [False])])
    result = report.evaluate(make_detections([(0, [1], [0.9], [FAR])]), truth, NAMES, 0.5, STEP)
    publishing.publish(tmp_path, result, grey_images, 0, "test")
    assert "no detection is right; errors from score 0.500 on: " in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "from a score of 0.500 on; none of them is right" in page


def test_tensorboard(tmp_path):
    publishing.publish(tmp_path, evaluation(), grey_images, 0, "val")
    events = [event for path in tmp_path.glob("events.out.*") for event in tf.train.summary_iterator(str(path))]
    values = {value.tag: (event.step, value.simple_value) for event in events for value in event.summary.value}
    assert values == {
        "AP_VOC07/cat": (120, pytest.approx(6 / 11)), "AP_VOC07/mAP": (120, pytest.approx(6 / 11)),
        "AP_VOC12/cat": (120, pytest.approx(0.5)), "AP_VOC12/mAP": (120, pytest.approx(0.5)),
    }


def test_without_a_checkpoint_there_is_no_curve(tmp_path):
    publishing.publish(tmp_path, evaluation({"checkpoint": None, "step": None}), grey_images, 4, "val")
    assert not list(tmp_path.glob("c*.json")) + list(tmp_path.glob("comp4*")) + list(tmp_path.glob("events*"))
    assert json.loads((tmp_path / "report.json").read_text())["checkpoint"] is None


def test_others_detections_are_not_shown_with_the_curve_of_a_training(tmp_path):
    shown = [re.findall(r"<h3>|base64,", publish_into(tmp_path, info)) for info in (STEP, {"checkpoint": None})]
    assert (tmp_path / "curve.png").is_file() and len(shown[0]) == len(shown[1]) + 1


def publish_into(folder, info):
    publishing.publish(folder, evaluation(info), grey_images, 4, "val")
    return (folder / "report.html").read_text()


def test_a_step_whose_report_was_not_written_is_not_done(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(report, "render", full)
    with pytest.raises(OSError, match="No space left"):
        publish_into(tmp_path, STEP)
    assert curve.read_curve(tmp_path) == []
    monkeypatch.undo()
    assert "mAP 0.5455" in publish_into(tmp_path, STEP)
    assert [point["step"] for point in curve.read_curve(tmp_path)] == [120]


def test_nothing_at_all(tmp_path, capsys):
    publishing.publish(tmp_path, nothing(), grey_images, 4, "val")
    values = json.loads((tmp_path / "report.json").read_text())
    assert values["voc07"]["mAP"] is None
    assert "mAP VOC07 -" in capsys.readouterr().out
    assert "no object to find" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(("objects", "keep", "per", "says"), [
    (100, 200, "class", []), (101, 200, "class", ["than 100 objects of a class, up to 101; COCO's"]),
    (150, 149, "class", ["than 149 objects of a class, up to 150; with --keep_top_k=149", "than 100"]),
    (150, None, "class", ["than 100"]),
    (100, 190, "image", []), (100, 189, "image", ["than 189 objects, up to 190; with --keep_top_k=189 no more"]),
])
def test_crowded_pictures_are_noted(objects, keep, per, says):
    count = objects + 90
    truth = make_ground_truth([("a", [1] * objects + [2] * 90, [BOX] * count, [False] * count)])
    info = {"settings": {"keep_top_k": keep, "keep_top_k_per": per}} if keep else {}
    found = report.evaluate(make_detections([]), truth, NAMES, 0.5, info)
    notes = report.crowding_notes(found)
    assert len(notes) == len(says) and all(words in note for words, note in zip(says, notes, strict=True))


def test_the_reports_folder_is_made_with_those_above_it(tmp_path):
    page = report.write_report(tmp_path / "runs" / "first", evaluation(), grey_images, 4)
    assert page == tmp_path / "runs" / "first" / "report.html" and page.is_file()
