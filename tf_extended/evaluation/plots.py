"""The figures of an evaluation, as PNG files: precision and recall, confusion, kinds of errors, mAP over steps.

Its job: drawing numbers that others computed. Pictures with boxes are drawn by `pictures`. No display is needed.
"""
import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_extended.console import say
from tf_extended.evaluation.error_analysis import class_best_f1
from tf_extended.evaluation.voc_scoring import ClassScore
from tf_extended.files import write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#777777"
# One colour per kind of error, distinguishable without red and green (Okabe and Ito).
KIND_COLOURS = {"duplicate": "#56b4e9", "localisation": "#0072b2", "similar_class": "#cc79a7", "background": "#e69f00",
                "missed": "#999999"}
PANELS_A_ROW = 5
# Of more classes there is nothing to be read, and a chart takes minutes and gigabytes.
MOST_PANELS, MOST_NAMED, LARGEST_SIDE = 60, 150, 60.0
# Characters of a class name over a panel, and beside an axis.
TITLE_LENGTH, LABEL_LENGTH = 20, 40
INCHES_A_CHARACTER = 0.085
# Fonts with the letters that matplotlib's own lacks, as systems have them.
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "Yu Gothic",
              "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Arial Unicode MS", "Noto Sans", "Noto Sans Arabic",
              "Noto Sans Devanagari", "Noto Sans Hebrew", "Noto Sans Thai")


def plot_precision_recall(path: Path, classes: Sequence[ClassScore]) -> None:
    """One panel per class that has objects to find: precision over recall, its area, the point of best F1.

    Of very many classes those with the most objects.
    """
    known = [c for c in classes if c.objects]
    chosen = {c.name for c in sorted(known, key=lambda c: -c.objects)[:MOST_PANELS]}
    shown = [c for c in known if c.name in chosen]
    columns = min(PANELS_A_ROW, max(len(shown), 1))
    rows = max(-(-len(shown) // columns), 1)
    with _figure(path, 2.6 * columns + 0.6, 2.5 * rows + 0.5) as figure:
        panels = figure.subplots(rows, columns, squeeze=False)
        for panel in panels.flat[len(shown):]:
            panel.set_visible(False)
        for panel, c in zip(panels.flat, shown, strict=False):
            _precision_recall_panel(panel, c)
            panel.label_outer()
        for panel in panels.flat[max(len(shown) - columns, 0):len(shown)]:  # the lowest of their columns
            panel.tick_params(labelbottom=True)
        if len(shown) < len(known):
            figure.suptitle(f"the {len(shown)} of {len(known)} classes with the most objects")
        figure.supxlabel("recall")
        figure.supylabel("precision")


def _precision_recall_panel(panel: "Axes", c: ClassScore) -> None:
    panel.set(xlim=(0, 1.02), ylim=(0, 1.05))
    panel.set_title(f"{_short(c.name, TITLE_LENGTH)}  {c.ap12:.3f}", fontsize=10)
    panel.grid(alpha=0.3)
    if len(c.precision):
        recall, precision = np.append(0.0, c.recall), np.append(c.precision[0], c.precision)
        panel.plot(recall, precision, color=BLUE, linewidth=1.2)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        panel.fill_between(recall, envelope, step="pre", color=BLUE, alpha=0.15, linewidth=0)
    best = class_best_f1(c)
    if best:
        panel.plot(best.recall, best.precision, "o", color=ORANGE, markersize=5)
        panel.annotate(f"F1 {best.f1:.2f} at {best.threshold:.2f}", (0.03, 0.05), xycoords="axes fraction", fontsize=8)


def plot_confusion(path: Path, confusion: np.ndarray, names: Mapping[int, str]) -> None:
    """The matrix of `error_analysis.ErrorAnalysis`: a row per true class; shades are shares of a row, texts counts.

    Of very many classes shades alone.
    """
    order = [*range(1, len(confusion)), 0]
    matrix = confusion[np.ix_(order, order)]
    texts = [_short(names.get(label, str(label)), LABEL_LENGTH) for label in order[:-1]]
    side = 0.42 * len(order) + 1.2 + INCHES_A_CHARACTER * max(map(len, [*texts, "(background)"]))
    side = min(side, LARGEST_SIDE)
    with _figure(path, side, side) as figure:
        axes = figure.subplots()
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        edges = np.arange(len(order) + 1) - 0.5
        axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1)  # imshow takes gigabytes for 100 classes
        axes.set(xlabel="detected as", ylabel="truth", aspect="equal", ylim=edges[[-1, 0]])
        if len(order) > MOST_NAMED:
            return
        for row, column in zip(*np.nonzero(matrix), strict=True):
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=8,
                      color="white" if shares[row, column] > 0.6 else "black")
        axes.set_xticks(range(len(order)), [*texts, "(missed)"], rotation=90)
        axes.set_yticks(range(len(order)), [*texts, "(background)"])


def plot_errors(path: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Stacked bars: the number of errors of each kind per class, most errors on top."""
    classes = sorted(counts, key=lambda name: sum(counts[name].values()))
    with _figure(path, 8, 0.3 * len(classes) + 1.6) as figure:
        axes = figure.subplots()
        left = np.zeros(len(classes))
        for kind, colour in KIND_COLOURS.items():
            values = np.array([counts[name][kind] for name in classes], float)
            axes.barh(range(len(classes)), values, left=left, color=colour, label=kind.replace("_", " "), height=0.7)
            left += values
        axes.set_yticks(range(len(classes)), [_short(name, LABEL_LENGTH) for name in classes])
        axes.set_xlabel("errors at the operating point")
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(ncols=len(KIND_COLOURS), loc="outside upper center", frameon=False)


def plot_curve(path: Path, steps: Sequence[int], curves: Mapping[str, Sequence[float | None]]) -> None:
    """Figures (name → one value per step, None where there is none) over training steps."""
    with _figure(path, 8, 4.5) as figure:
        axes = figure.subplots()
        for (name, values), colour in zip(curves.items(), (BLUE, ORANGE, GREEN, GREY), strict=False):
            known = [np.nan if value is None else value for value in values]
            last = f"  {known[-1]:.3f} at step {steps[-1]}" if known and np.isfinite(known[-1]) else ""
            axes.plot(steps, known, "o-", color=colour, label=name + last, markersize=4)
        margin = max(1, 0.03 * (steps[-1] - steps[0]))
        axes.set(xlabel="step", ylabel="mAP", xlim=(steps[0] - margin, steps[-1] + margin), ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)  # also where there is one step, or no figure
        axes.grid(alpha=0.3)
        axes.legend(loc="best")


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """An empty figure of so many inches, saved at the end. Class names are drawn as they are, in fonts that have their
    letters; other figures of the process keep matplotlib's settings."""
    import matplotlib  # only here: it costs half a second of start-up
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    installed = set(font_manager.get_font_names())
    fonts = ["DejaVu Sans", *(font for font in WIDE_FONTS if font in installed)]
    # A dollar sign in a name is no formula.
    with matplotlib.rc_context({"font.family": fonts, "text.parse_math": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        _save(figure, path)


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[:length - 1]}…"


def _save(figure: "Figure", path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_figure(path, figure, dpi=110)
    if any("missing from font" in str(warning.message) for warning in caught):
        _note_letters(path.parent)


@functools.cache
def _note_letters(folder: Path) -> None:
    """Once for all charts of a folder."""
    say(f"NOTE: charts in {folder} have squares in place of letters that no installed font has; installing Noto Sans "
        "CJK, for instance, mends that")
