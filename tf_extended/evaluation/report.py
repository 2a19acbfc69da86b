"""The report of an evaluation: `report.json` for programs, `report.html` (one file) and a table for people.

Its job: putting figures that others computed into a form. `report.json` always holds images, checkpoint, step, voc07,
voc12 and classes, by which other programs go; beside them matching_threshold, coco, operating_point, errors, confusion
and what `info` brings: settings, and net, seconds and images_per_second, or detections_dir where no network was run.
`objects` of a class are those that must be found; difficult ones are counted apart.
"""
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_extended.compat import tf
from tf_extended.evaluation.coco_scoring import COCO_LIMIT, coco_metrics
from tf_extended.evaluation.error_analysis import ErrorAnalysis, OperatingPoint, analyse, class_best_f1
from tf_extended.evaluation.html_report import render
from tf_extended.evaluation.pictures import typical_images, worst_images, write_pictures
from tf_extended.evaluation.plots import plot_confusion, plot_errors, plot_precision_recall
from tf_extended.evaluation.records import Detections, GroundTruth
from tf_extended.evaluation.voc_scoring import ClassScore, VocScores, score
from tf_extended.event_file import EventFile
from tf_extended.files import write_json, write_text

REPORT_JSON, REPORT_HTML = "report.json", "report.html"
COLUMNS = ("class", "objects", "difficult", "detections", "AP07", "AP12", "best F1", "at score")


class Evaluation(NamedTuple):
    """All that a report is made of. info: whatever else belongs into report.json, checkpoint and step among it."""

    truth: GroundTruth
    detections: Detections
    names: Mapping[int, str]
    scores: VocScores
    analysis: ErrorAnalysis
    coco: Mapping[str, Any]
    info: Mapping[str, Any]


def evaluate(
    detections: Detections, truth: GroundTruth, names: Mapping[int, str], matching_threshold: float,
    info: Mapping[str, Any],
) -> Evaluation:
    """Score and analyse detections: everything but the writing. For the arguments see `Evaluation`."""
    scores = score(detections, truth, names, matching_threshold)
    return Evaluation(
        truth, detections, names, scores, analyse(detections, truth, names, scores, matching_threshold),
        coco_metrics(detections, truth, names), {"matching_threshold": matching_threshold, **info},
    )


def crowding_notes(evaluation: Evaluation) -> list[str]:
    """What to know where pictures hold more objects than are looked at, or may be detected."""
    truth, settings = evaluation.truth, evaluation.info.get("settings", {})
    limit, per_image = settings.get("keep_top_k"), settings.get("keep_top_k_per") == "image"
    _, counts = np.unique(np.stack([truth.images, truth.labels]), axis=1, return_counts=True)
    counted = np.unique(truth.images, return_counts=True)[1] if per_image else counts
    notes = []
    if limit and (counted > limit).any():
        notes.append(f"NOTE: pictures hold more than {limit} objects{'' if per_image else ' of a class'}, up to "
                     f"{counted.max()}; with --keep_top_k={limit} no more are found. Give at least "
                     f"--keep_top_k={counted.max()}, and several times that as --select_top_k")
    if (counts > COCO_LIMIT).any():
        notes.append(f"NOTE: pictures hold more than {COCO_LIMIT} objects of a class, up to {counts.max()}; COCO's "
                     f"figures look at the best {COCO_LIMIT} detections alone, so they cannot be good here")
    return notes


def report_values(evaluation: Evaluation) -> dict[str, Any]:
    """What `report.json` holds."""
    scores, analysis = evaluation.scores, evaluation.analysis
    return {
        "images": len(evaluation.truth.image_ids),
        **evaluation.info,
        "voc07": {"mAP": scores.map07, "AP": {c.name: c.ap07 for c in scores.classes}},
        "voc12": {"mAP": scores.map12, "AP": {c.name: c.ap12 for c in scores.classes}},
        "classes": {c.name: _class_values(c) for c in scores.classes},
        "coco": evaluation.coco,
        "operating_point": analysis.point._asdict(),
        "errors": {
            "count": analysis.counts,
            "gain": {kind: {"voc07": a, "voc12": b} for kind, (a, b) in analysis.gains.items()},
        },
        "confusion": {
            "names": [evaluation.names.get(label, "none") for label in range(len(analysis.confusion))],
            "counts": analysis.confusion.tolist(),
        },
    }


def _class_values(c: ClassScore) -> dict[str, Any]:
    best = class_best_f1(c)
    return {"objects": c.objects, "difficult": c.difficult, "detections": c.detections,
            "best_f1": best._asdict() if best else None}


def class_rows(scores: VocScores) -> list[tuple[str, ...]]:
    """The table of `COLUMNS`, one row per class and one for the means; `-` where there is nothing to find."""
    rows = [
        (c.name, str(c.objects), str(c.difficult), str(c.detections), figure(c.ap07), figure(c.ap12),
         *_best_texts(class_best_f1(c) if c.objects else None))
        for c in scores.classes
    ]
    totals = (str(sum(getattr(c, key) for c in scores.classes)) for key in ("objects", "difficult", "detections"))
    return [*rows, ("mean", *totals, figure(scores.map07), figure(scores.map12), "", "")]


def _best_texts(best: OperatingPoint | None) -> tuple[str, str]:
    return (f"{best.f1:.3f}", f"{best.threshold:.3f}") if best else ("-", "-")


def figure(value: float | None) -> str:
    """A figure of a table; `-` where there is none."""
    return "-" if value is None else f"{value:.4f}"


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts as a table for a terminal: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    return "\n".join(
        "  ".join(text.rjust(width) if i else text.ljust(width) for i, (text, width) in
                  enumerate(zip(row, widths, strict=True))).rstrip()
        for row in (columns, *rows)
    )


def write_report(
    eval_dir: Path, evaluation: Evaluation, load_images: Callable[[list[int]], Mapping[int, np.ndarray]],
    num_pictures: int, curve: Path | None = None,
) -> Path:
    """Write `report.json`, the figures, the worst and typical pictures, `report.html`; returns the path of the last.

    load_images: indices of images → index → RGB uint8 [H, W, 3], for those that have a picture; num_pictures: how many
    of each sort are drawn at most; curve: a PNG of mAP over steps to show, if there is one.
    """
    eval_dir = Path(eval_dir)
    eval_dir.mkdir(parents=True, exist_ok=True)
    values = report_values(evaluation)
    write_json(eval_dir / REPORT_JSON, values)
    figures = {name: eval_dir / f"{name}.png" for name in ("precision_recall", "confusion", "errors")}
    plot_precision_recall(figures["precision_recall"], evaluation.scores.classes)
    plot_confusion(figures["confusion"], evaluation.analysis.confusion, evaluation.names)
    plot_errors(figures["errors"], evaluation.analysis.counts)
    chosen = {"worst": worst_images(evaluation.analysis, num_pictures),
              "typical": typical_images(len(evaluation.truth.image_ids), num_pictures)}
    images = load_images(sorted({index for indices in chosen.values() for index in indices}))
    pictures = {
        folder: write_pictures(eval_dir / folder, indices, images, evaluation.detections, evaluation.truth,
                               evaluation.analysis, evaluation.names)
        for folder, indices in chosen.items()
    }
    if curve and curve.exists():
        figures["curve"] = curve
    write_text(eval_dir / REPORT_HTML, render(values, COLUMNS, class_rows(evaluation.scores), figures, pictures))
    return eval_dir / REPORT_HTML


def write_summaries(eval_dir: Path, scores: VocScores, step: int) -> None:
    """TensorBoard's scalars `AP_VOC07/{class}`, `AP_VOC07/mAP` and the same of VOC12, at `step`."""
    values = [
        *((f"AP_VOC07/{c.name}", c.ap07) for c in scores.classes), ("AP_VOC07/mAP", scores.map07),
        *((f"AP_VOC12/{c.name}", c.ap12) for c in scores.classes), ("AP_VOC12/mAP", scores.map12),
    ]
    summary = tf.Summary(
        value=[tf.Summary.Value(tag=tag, simple_value=value) for tag, value in values if value is not None]
    )
    # One file for one evaluation: it is complete when this returns, whatever happens to the process afterwards.
    EventFile(eval_dir).add_summary(summary.SerializeToString(), step)
