"""mAP over the steps of a training: `curve.json` and `curve.png` in the evaluation's folder.

Its job: keeping one point per step and split across runs of the evaluation. Computing the figures is not.
`curve.json`: `{"format": 1, "points": [{"step": n, "checkpoint": …, "voc07": x, "voc12": x, "images": n, "split": …},
…]}`. Points of other pictures, another split or another number of them, are kept beside one another and never drawn
together.
"""
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_extended.console import InputError
from tf_extended.evaluation.plots import plot_curve
from tf_extended.files import write_json

CURVE_JSON, CURVE_PNG = "curve.json", "curve.png"
FORMAT = 1
POINT_KEYS = {"step", "voc07", "voc12", "images"}


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


def comparable(points: Sequence[Mapping[str, Any]], split: str, images: int) -> list[dict[str, Any]]:
    """Those of `points` whose pictures are, as far as can be told, those of a split and their number."""
    return [point for point in points if point.get("split", split) == split and point["images"] == images]


def add_point(eval_dir: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    """Put `point` (keys as above) on the curve, in place of an earlier one of the same step, and draw it anew.

    Returns the points that were drawn: those `comparable` with it.
    """
    eval_dir = Path(eval_dir)
    known = read_curve(eval_dir)
    replaced = [other for other in comparable(known, point["split"], point["images"]) if other["step"] == point["step"]]
    points = sorted([*(other for other in known if other not in replaced), point], key=lambda other: other["step"])
    write_json(eval_dir / CURVE_JSON, {"format": FORMAT, "points": points})
    points = comparable(points, point["split"], point["images"])
    curves = {"VOC07 mAP": [p["voc07"] for p in points], "VOC12 mAP": [p["voc12"] for p in points]}
    plot_curve(eval_dir / CURVE_PNG, [p["step"] for p in points], curves)
    return points
