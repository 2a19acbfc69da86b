"""What a `model.json` must hold, field by field, told in words and checked: somebody may have edited or truncated it.

Reading and writing the file is `nets.model_file`'s job, and what the numbers mean is said in `nets.ssd.SSDParams`.
"""
import json
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether a value from JSON is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_above_zero(value: Any) -> bool:
    return is_number(value) and value > 0


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _whole(least: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _list_of(fits: Check, lengths: Sequence[int] = ()) -> Check:
    """A check for lists whose entries pass `fits`; of one of these `lengths`, or of any."""
    return lambda value: isinstance(value, list) and (not lengths or len(value) in lengths) and all(map(fits, value))


# What a field must be, for a person, and how to tell.
FIELDS: dict[str, tuple[str, Check]] = {
    "net": ("the name of a net", _is_name),
    "depth_multiplier": ("a number above 0", _is_above_zero),
    "batch_norm": ("true or false", lambda value: isinstance(value, bool)),
    "initializer": ("a name such as xavier", _is_name),
    "params": ("an object with the numbers of the net", lambda value: isinstance(value, dict)),
    "labels": ("a list of names, one a class", _list_of(_is_name)),
}
OPTIONAL: dict[str, tuple[str, Check]] = {"interpolation": ("a name such as bilinear", _is_name)}
PARAMS: dict[str, tuple[str, Check]] = {
    "img_shape": ("[height, width] in pixels", _list_of(_whole(1), [2])),
    "num_classes": ("a whole number of 2 or more", _whole(2)),
    "no_annotation_label": ("a whole number of 0 or more", _whole(0)),
    "feat_layers": ("a list of names, one a prediction layer", _list_of(_is_name)),
    "feat_shapes": ("a list of [height, width]", _list_of(_list_of(_whole(1), [2]))),
    "anchor_size_bounds": ("a list of numbers above 0", _list_of(_is_above_zero)),
    "anchor_sizes": ("a list of [size, next size] in pixels", _list_of(_list_of(_is_above_zero, [2]))),
    "anchor_ratios": ("a list of lists of numbers above 0", _list_of(_list_of(_is_above_zero))),
    "anchor_steps": ("a list of numbers above 0", _list_of(_is_above_zero)),
    "anchor_offset": ("a number such as 0.5", is_number),
    "normalizations": ("a list of numbers", _list_of(is_number)),
    "prior_scaling": ("four numbers above 0", _list_of(_is_above_zero, [4])),
}
PER_LAYER = ("feat_shapes", "anchor_sizes", "anchor_ratios", "anchor_steps", "normalizations")


def problems(description: dict[str, Any]) -> list[str]:
    """What keeps `description` from being that of a net: key, what was found, what was expected. Empty if nothing.

    Whether the net, the initialiser and the layers exist is for those to say who build it.
    """
    present = {field: rule for field, rule in OPTIONAL.items() if field in description}
    wrong = _wrong_fields(description, FIELDS | present, "")
    if isinstance(description.get("params"), dict):
        wrong += _wrong_fields(description["params"], PARAMS, "params.")
    return wrong or _wrong_lengths(description["params"], description["labels"])


def _wrong_fields(values: dict[str, Any], rules: dict[str, tuple[str, Check]], prefix: str) -> list[str]:
    wrong = []
    for field, (kind, fits) in rules.items():
        if field not in values:
            wrong.append(f"{prefix}{field} is missing; expected {kind}")
        elif not fits(values[field]):
            wrong.append(f"{prefix}{field} is {shown(values[field])}; expected {kind}")
    return wrong


def _wrong_lengths(params: dict[str, Any], labels: list[str]) -> list[str]:
    layers, classes = len(params["feat_layers"]), params["num_classes"] - 1
    wrong = [f"params.{field} has {len(params[field])} entries; expected {layers}, one for each of params.feat_layers"
             for field in PER_LAYER if len(params[field]) != layers]
    if len(labels) != classes:
        wrong.append(f"labels has {len(labels)} entries; expected {classes}, because params.num_classes is "
                     f"{classes + 1} with the background")
    return wrong


def shown(value: Any) -> str:
    """A value as JSON writes it, short enough for a message."""
    return textwrap.shorten(json.dumps(value, ensure_ascii=False), 80, placeholder=" …")
