"""Charts, opened again: their sizes, and what is where in them. What they look like needs eyes."""
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from tests.scripts import in_process
from tf_extended.evaluation import plots
from tf_extended.evaluation.voc_scoring import ClassScore


def size(path):
    height, width, _ = cv2.imread(str(path)).shape
    return width, height


@pytest.mark.parametrize(("longest", "more"), [(12, 0), (22, 10), (120, 28)])
def test_names_take_no_room_from_the_matrix_of_confusion(tmp_path, longest, more):
    """A character is .085 inches of 110 pixels; "(background)" has 12 of them, and 40 are the most that are shown."""
    plots.plot_confusion(tmp_path / "a.png", np.ones([3, 3], int), {1: "cat", 2: "dog"})
    plots.plot_confusion(tmp_path / "b.png", np.ones([3, 3], int), {1: "cat", 2: "x" * longest})
    (width, height), (wider, higher) = size(tmp_path / "a.png"), size(tmp_path / "b.png")
    assert wider - width == pytest.approx(more * 0.085 * 110, abs=2) == higher - height


def test_classes_whose_names_begin_alike_keep_bars_of_their_own(tmp_path):
    kinds = dict.fromkeys(plots.KIND_COLOURS, 1)
    heights = []
    for count in (1, 2):
        names = ["a" * 50 + str(number) for number in range(count)]
        plots.plot_errors(tmp_path / f"{count}.png", dict.fromkeys(names, kinds))
        heights.append(size(tmp_path / f"{count}.png")[1])
    image = cv2.imread(str(tmp_path / "2.png"))
    first, second = heights
    assert second - first == pytest.approx(0.3 * 110, abs=2)
    # The colour of one kind, which the legend above shows once: two bars of it, one below the other.
    blue, green, red = (int(plots.KIND_COLOURS["background"][i:i + 2], 16) for i in (5, 3, 1))
    rows = (np.abs(image.astype(int) - [blue, green, red]).max(axis=-1) < 3).sum(axis=1) > 20
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) == 3


def test_every_column_of_panels_has_its_scale(tmp_path):
    """Six classes are a row of five and one more: below the other four panels nothing else shows the recall."""
    recall = np.linspace(0, 1, 5)
    score = ClassScore("cat", 5, 0, 5, 0.5, 0.5, 1 - recall / 2, recall, 1 - recall)
    plots.plot_precision_recall(tmp_path / "a.png", [score] * 6)
    image = cv2.imread(str(tmp_path / "a.png"))
    width = image.shape[1]
    for column in range(1, 5):
        dark = image[:, round(width * (column + 0.3) / 5):round(width * (column + 0.8) / 5)].max(axis=-1) < 100
        frame = np.flatnonzero(dark.mean(axis=1) > 0.9)[-1]
        assert dark[frame + 8:].any()  # further down than the marks on it


def confusion_axes(monkeypatch, matrix, names):
    saved = in_process.listen(monkeypatch, plots, "_save", lambda *_: None)
    plots.plot_confusion(Path("a.png"), matrix, names)
    return saved[0]["figure"].axes[0]


def test_shades_of_confusion_are_shares_of_a_row_the_first_class_on_top(monkeypatch):
    matrix = np.array([[0, 0, 2], [0, 9, 0], [1, 3, 0]])  # background, cat, dog; dogs are missed or taken for cats
    axes = confusion_axes(monkeypatch, matrix, {1: "cat", 2: "dog"})
    np.testing.assert_allclose(axes.collections[0].get_array().reshape(3, 3), [[1, 0, 0], [0.75, 0, 0.25], [0, 1, 0]])
    assert axes.get_ylim() == (2.5, -0.5) and axes.get_xlim() == (-0.5, 2.5)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog", "(background)"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["cat", "dog", "(missed)"]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "9", (0, 1): "3", (2, 1): "1", (1, 2): "2"}


@pytest.mark.parametrize(("classes", "drawn"), [(149, True), (150, False)])
def test_of_very_many_classes_confusion_has_shades_alone(monkeypatch, classes, drawn):
    names = {label: f"class {label}" for label in range(1, classes + 1)}
    axes = confusion_axes(monkeypatch, np.eye(classes + 1, dtype=int), names)
    assert len(axes.texts) == (classes + 1) * drawn


def test_of_very_many_classes_those_with_the_most_objects_have_panels(monkeypatch):
    monkeypatch.setattr(plots, "MOST_PANELS", 4)
    saved = in_process.listen(monkeypatch, plots, "_save", lambda *_: None)
    recall = np.linspace(0, 1, 5)
    classes = [ClassScore(f"c{place}", number, 0, 5, 0.5, 0.5, 1 - recall / 2, recall, 1 - recall)
               for place, number in enumerate((5, 1, 2, 0, 5, 3, 4))]
    panels = in_process.listen(monkeypatch, plots, "_precision_recall_panel", lambda *_: None)
    plots.plot_precision_recall(Path("a.png"), classes)
    assert [panel["c"].objects for panel in panels] == [5, 5, 3, 4]
    assert saved[0]["figure"].get_suptitle() == "the 4 of 6 classes with the most objects"


def test_a_dollar_sign_in_a_name_is_no_formula_and_other_figures_keep_theirs(tmp_path):
    before = dict(matplotlib.rcParams)
    counts = {"$100 and $^$": dict.fromkeys(plots.KIND_COLOURS, 1)}  # no TeX: it would stop
    plots.plot_errors(tmp_path / "a.png", counts)
    assert dict(matplotlib.rcParams) == before


def test_one_step_without_a_figure_is_a_curve(tmp_path):
    plots.plot_curve(tmp_path / "a.png", [3], {"VOC07 mAP": [None], "VOC12 mAP": [0.5]})
    assert size(tmp_path / "a.png") == (880, 495)
