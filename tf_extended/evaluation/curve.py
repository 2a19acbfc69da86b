"""mAP over the steps of a training: `curve.json` and `curve.png` in the evaluation's folder.

Its job: keeping one point per step, split and training across runs of the evaluation. Computing the figures is not.
`curve.json`: `{"format": 1, "points": [{"step": n, "checkpoint": …, "voc07": x, "voc12": x, "images": n, "split": …,
"training": its folder}, …]}`, the last not in a training's own folder. Points of another training, or of other pictures
(another split, another number of them), are kept beside one another and never drawn together.
"""
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_extended.console import InputError
from tf_extended.evaluation.plots import plot_curve
from tf_extended.files import write_json
from tf_extended.train_folder import BEST_FOLDER

CURVE_JSON, CURVE_PNG = "curve.json", "curve.png"
FORMAT = 1
POINT_KEYS = {"step", "voc07", "voc12", "images"}
# What points have in common that are drawn together; what a point does not state is taken to be the others'.
SHARED_KEYS = ("split", "images", "training")


def read_curve(eval_dir: Path) -> list[dict[str, Any]]:
    """The points so far, by rising step; none where there is no curve yet. InputError for a file that is not one."""
    path = Path(eval_dir) / CURVE_JSON
    if not path.exists():
        return []
    try:
        curve = json.loads(path.read_text(encoding="utf-8"))
        points = sorted(curve["points"], key=lambda point: point["step"])
        found, complete = curve["format"], all(point.keys() >= POINT_KEYS for point in points)
    except (ValueError, KeyError, TypeError):
        found, complete = FORMAT, False
    if found != FORMAT:
        raise InputError(f"{path} has format {found}, not {FORMAT}: another version wrote it. Take another --eval_dir.")
    if not complete:
        raise InputError(f"{path} is not a curve of evaluations. Remove it, or take another --eval_dir.")
    return points


def training_of(folder: Path) -> str:
    """The absolute folder of the training that a folder of checkpoints is of: the best one has a folder inside."""
    folder = folder.resolve()
    return str(folder.parent if folder.name == BEST_FOLDER else folder)


def comparable(points: Sequence[Mapping[str, Any]], like: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of `points` that are, as far as can be told, of the same training and pictures as `like`."""
    return [point for point in points
            if all(point[key] == like[key] for key in SHARED_KEYS if key in point and key in like)]


def add_point(eval_dir: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw the curve with `point` (keys as above), in place of an earlier one of the same step, and keep that point.

    Returns the points that were drawn: those `comparable` with it.
    """
    drawn = draw_point(eval_dir, point)
    keep_point(eval_dir, point)
    return drawn


def draw_point(eval_dir: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    """The first half of `add_point`: the picture."""
    points = comparable(_with_point(eval_dir, point), point)
    curves = {"VOC07 mAP": [p["voc07"] for p in points], "VOC12 mAP": [p["voc12"] for p in points]}
    plot_curve(Path(eval_dir) / CURVE_PNG, [p["step"] for p in points], curves)
    return points


def keep_point(eval_dir: Path, point: dict[str, Any]) -> None:
    """The second half: from now on the step counts as evaluated, also for a run that begins after this one's end."""
    write_json(Path(eval_dir) / CURVE_JSON, {"format": FORMAT, "points": _with_point(eval_dir, point)})


def _with_point(eval_dir: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    known = read_curve(eval_dir)
    replaced = [other for other in comparable(known, point) if other["step"] == point["step"]]
    return sorted([*(other for other in known if other not in replaced), point], key=lambda other: other["step"])
