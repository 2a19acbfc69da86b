"""What an evaluation leaves behind: the table on the terminal, and everything in its folder.

Its job: the order, and which pieces there are. Each piece has its own module.
"""
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tf_extended.console import amount, say
from tf_extended.evaluation import curve, report, result_files


def publish(
    eval_dir: Path, evaluation: report.Evaluation, load_images: Callable[[list[int]], Mapping[int, np.ndarray]],
    num_pictures: int, split: str,
) -> None:
    """Print the table; write `report.json`, `report.html`, figures and pictures.

    An evaluation of a checkpoint (its info has a step) also writes the devkit's result files of `split`, TensorBoard's
    summaries, and its point on the curve.
    """
    eval_dir = Path(eval_dir)
    say("\n".join([summary(evaluation), *report.crowding_notes(evaluation)]))
    if evaluation.info.get("step") is None:
        page = report.write_report(eval_dir, evaluation, load_images, num_pictures)
    else:
        eval_dir.mkdir(parents=True, exist_ok=True)
        page = _publish_checkpoint(eval_dir, evaluation, load_images, num_pictures, split)
    say(f"report: {page}")


def _publish_checkpoint(eval_dir: Path, evaluation: report.Evaluation, load_images: Callable, num_pictures: int,
                        split: str) -> Path:
    scores, info, image_ids = evaluation.scores, evaluation.info, evaluation.truth.image_ids
    result_files.write_result_files(eval_dir, split, evaluation.detections, image_ids, evaluation.names)
    if len(set(image_ids)) < len(image_ids):
        say("NOTE: pictures of this set share names, so its result files cannot be scored by themselves")
    report.write_summaries(eval_dir, scores, info["step"])
    point = {"step": info["step"], "checkpoint": info["checkpoint"], "voc07": scores.map07, "voc12": scores.map12,
             "images": len(image_ids), "split": split, "training": curve.training_of(Path(info["checkpoint"]).parent)}
    curve.draw_point(eval_dir, point)
    page = report.write_report(eval_dir, evaluation, load_images, num_pictures, eval_dir / curve.CURVE_PNG)
    curve.keep_point(eval_dir, point)  # last: an evaluation that follows a training takes such a step for done
    return page


def summary(evaluation: report.Evaluation) -> str:
    """The table of classes, the means, where the errors lie, and how long each stage took."""
    scores, point, coco, info = evaluation.scores, evaluation.analysis.point, evaluation.coco, evaluation.info
    totals = {kind: sum(kinds[kind] for kinds in evaluation.analysis.counts.values())
              for kind in next(iter(evaluation.analysis.counts.values()), {})}
    lines = [
        report.text_table(report.COLUMNS, report.class_rows(scores)),
        "",
        f"mAP VOC07 {report.figure(scores.map07)}  VOC12 {report.figure(scores.map12)}  "
        f"COCO AP {report.figure(coco['AP'])}  AP50 {report.figure(coco['AP50'])}  AP75 {report.figure(coco['AP75'])}",
        (f"best F1 {point.f1:.3f} at score {point.threshold:.3f}; errors there: " if point.f1 else
         f"no detection is right; errors from score {point.threshold:.3f} on: ")
        + ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in totals.items()),
    ]
    if "seconds" in info:
        count = max(len(evaluation.truth.image_ids), 1)
        stages = ", ".join(f"{stage.replace('_', ' ')} {1000 * spent / count:.1f}"
                           for stage, spent in info["seconds"].items() if stage != "restoring")
        lines.append(f"{amount(len(evaluation.truth.image_ids), 'image')}, {info['images_per_second']} images/s; "
                     f"milliseconds an image: {stages}")
    return "\n".join(lines)
