"""The report's page says what was computed, in the right cells; names are text, not HTML."""
import base64

import pytest
from lxml import html

from tests.tf_extended.evaluation.cases import one_image
from tf_extended.evaluation import report
from tf_extended.evaluation.html_report import render

BOX = (1, 1, 20, 20)
NAMES = {0: "none", 1: "<cat>", 2: "dog", 3: "cow"}
OBJECTS = [(1, BOX, False), (1, (101, 101, 120, 120), False), (1, (201, 1, 220, 20), False),
           (2, (1, 201, 20, 220), False)]
# One of three cats is found, behind a dog that is none; the dog is not.
FOUND = [(2, 0.95, BOX), (1, 0.9, BOX)]
INFO = {"checkpoint": None, "step": None, "detections_dir": "<det>", "settings": {"batch_size": 8}}


@pytest.fixture
def page(tmp_path):
    """What makes the page of `OBJECTS` and `FOUND`, parsed."""
    def make(info=INFO, with_curve=False, typical=()):
        evaluation = report.evaluate(*one_image(OBJECTS, FOUND), NAMES, 0.5, info)
        names = ("precision_recall", "errors", "confusion", *(["curve"] if with_curve else []))
        figures = {name: tmp_path / f"{name}.png" for name in names}
        for name, path in figures.items():
            path.write_text(name)
        text = render(report.report_values(evaluation), report.COLUMNS, report.class_rows(evaluation.scores), figures,
                      {"worst": [], "typical": typical})
        return html.fromstring(text)
    return make


def tables(page) -> list[list[list[str]]]:
    """The texts of the rows of each table, the heads left out."""
    return [[[cell.text_content() for cell in row] for row in list(table)[1:]] for table in page.iter("table")]


def test_every_figure_is_in_its_cell(page):
    classes, errors, coco, coco_classes, made = tables(page())
    # AP07 of the cats 4/11, AP12 1/3; the means are half of that.
    assert classes == [["<cat>", "3", "0", "1", "0.3636", "0.3333", "0.500", "0.900"],
                       ["dog", "1", "0", "1", "0.0000", "0.0000", "-", "-"],
                       ["cow", "0", "0", "0", "-", "-", "-", "-"],
                       ["mean", "4", "0", "2", "0.1818", "0.1667", "", ""]]
    assert [row[:4] for row in errors] == [
        ["duplicate", "0", "+0.0000", "+0.0000"], ["localisation", "0", "+0.0000", "+0.0000"],
        ["similar class", "1", "+0.0000", "+0.0000"], ["background", "0", "+0.0000", "+0.0000"],
        ["missed", "3", "+0.8182", "+0.8333"]]
    # COCO has 101 levels of recall, of which the cats reach 0 to 0.33.
    assert coco[0][:3] == ["0.1683", "0.1683", "0.1683"] and coco[0][8] == "0.1667"
    assert coco_classes == [["<cat>", "0.3366", "0.3366", "0.3366", "0.3333"],
                            ["dog", "0.0000", "0.0000", "0.0000", "0.0000"], ["cow", "-", "-", "-", "-"]]
    assert made == [["detections_dir", "<det>"], ["settings: batch_size", "8"]]


def test_the_headline_and_the_operating_point(page):
    text = page().text_content()
    assert "mAP 0.1818 (VOC07) · 0.1667 (VOC12)" in text
    assert "1 image · <det>" in text
    assert "from a score of 0.900 on" in text
    assert "F1 0.333, precision 0.500, recall 0.250" in text


def test_a_checkpoint_is_named_at_the_head_and_with_its_step_at_the_end(page):
    made = page({"checkpoint": "run/model.ckpt-7", "step": 7, "seconds": {"network": 1.5}})
    assert "1 image · run/model.ckpt-7" in made.text_content()
    assert tables(made)[-1] == [["checkpoint", "run/model.ckpt-7"], ["step", "7"], ["seconds: network", "1.5"]]


@pytest.mark.parametrize("with_curve", [False, True])
def test_the_figures_are_in_the_page_each_in_its_section(page, with_curve):
    sections, title = {}, ""
    for element in page(with_curve=with_curve).body.iter("h2", "img"):
        if element.tag == "h2":
            title = element.text
        else:
            sections[title] = base64.b64decode(element.get("src").removeprefix("data:image/png;base64,")).decode()
    curve = {"mAP over the steps of the training": "curve"} if with_curve else {}
    assert sections == curve | {"Precision and recall": "precision_recall", "Where it fails": "errors",
                                "What is taken for what": "confusion"}


def test_pictures_have_their_captions_and_the_colours_are_explained(page, tmp_path):
    (tmp_path / "1.png").write_text("drawn")
    made = page(typical=[(tmp_path / "1.png", "a<b: 2 errors")])
    assert [caption.text for caption in made.iter("figcaption")] == ["a<b: 2 errors"]
    assert "detection that is wrong, and how" in made.text_content()
    assert made.text_content().count("None: nothing to show") == 1  # no worst picture
