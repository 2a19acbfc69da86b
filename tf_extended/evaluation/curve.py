"""mAP over the steps of a training: `curve.json` and `curve.png` in the evaluation's folder.

Its job: keeping one point per step across runs of the evaluation. Computing the figures is not.
`curve.json`: `{"format": 1, "points": [{"step": n, "checkpoint": …, "voc07": x, "voc12": x, "images": n}, …]}`.
"""
import json
from pathlib import Path
from typing import Any

from tf_extended.console import InputError
from tf_extended.evaluation.plots import plot_curve
from tf_extended.files import write_json

CURVE_JSON, CURVE_PNG = "curve.json", "curve.png"
FORMAT = 1


def read_curve(eval_dir: Path) -> list[dict[str, Any]]:
    """The points so far, by rising step; none where there is no curve yet. InputError for a file that is not one."""
    path = Path(eval_dir) / CURVE_JSON
    if not path.exists():
        return []
    try:
        curve = json.loads(path.read_text(encoding="utf-8"))
        if curve["format"] != FORMAT:
            raise InputError(f"{path} has format {curve['format']}, not {FORMAT}. Take another --eval_dir.")
        return sorted(curve["points"], key=lambda point: point["step"])
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not a curve of evaluations. Remove it, or take another --eval_dir.") from None


def add_point(eval_dir: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    """Put `point` (keys as above) on the curve, in place of an earlier one of the same step, and draw it anew."""
    eval_dir = Path(eval_dir)
    others = [known for known in read_curve(eval_dir) if known["step"] != point["step"]]
    points = sorted([*others, point], key=lambda known: known["step"])
    write_json(eval_dir / CURVE_JSON, {"format": FORMAT, "points": points})
    curves = {"VOC07 mAP": [p["voc07"] for p in points], "VOC12 mAP": [p["voc12"] for p in points]}
    plot_curve(eval_dir / CURVE_PNG, [p["step"] for p in points], curves)
    return points
