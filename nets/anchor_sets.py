"""Anchors by name or from a file: the numbers that fit a data set, put into a net's parameters.

The named rows are those of Caffe's SSD for VOC and for COCO, whose objects are smaller (section 3.4 of the paper,
"COCO"). Not this module's job: what the numbers mean (`nets.anchors`).

A file is JSON, `{"anchor_sizes": [[30, 60], …]}`, with a pair (size, next size) in pixels of the net's input for each
prediction layer; optional, `anchor_ratios` (a list of ratios a layer), `anchor_steps` (pixels), `anchor_offset`.
"""
import json
from pathlib import Path
from typing import Any

import tf_extended as tfe
from nets.anchors import ssd_size_bounds_to_values
from nets.model_schema import is_number

# By number of prediction layers: the first layer's size and the second's, in percent of the image. The others follow.
NAMED = {
    "voc": {6: (10, 20), 7: (7, 15)},
    "coco": {6: (7, 15), 7: (4, 10)},
}
LAST_BOUND = 0.90
PER_LAYER = ("anchor_sizes", "anchor_ratios", "anchor_steps")
FIELDS = (*PER_LAYER, "anchor_offset")


def anchor_params(name_or_file: str | Path, params: Any) -> Any:
    """`params` (SSDParams) with the anchors called `voc` or `coco`, or those of a JSON file.

    Raises tfe.InputError for a name that is neither, for named anchors on a net that has neither 6 nor 7 prediction
    layers, and for a file that does not hold what the module's text says.
    """
    if name_or_file in NAMED:
        return _named(name_or_file, params)
    path = Path(name_or_file)
    if not path.is_file():
        raise tfe.InputError(f"anchors {str(name_or_file)!r}: neither {', '.join(NAMED)} nor a file")
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise tfe.InputError(f"{path} is not JSON ({error}); expected {{\"anchor_sizes\": [[30, 60], …]}}") from None
    return params._replace(**_checked(fields, path, params))


def _named(name: str, params: Any) -> Any:
    n_layers = len(params.feat_layers)
    if n_layers not in NAMED[name]:
        counts = " or ".join(map(str, NAMED[name]))
        raise tfe.InputError(f"anchors {name!r} are for nets of {counts} prediction layers, this one has {n_layers}: "
                             "give a file, or nothing (--anchors=) for the net's own")
    smallest, second = NAMED[name][n_layers]
    bounds = [second / 100, LAST_BOUND]
    sizes = ssd_size_bounds_to_values(bounds, n_layers, params.img_shape)
    sizes[0] = (params.img_shape[0] * smallest / 100, sizes[0][1])
    return params._replace(anchor_size_bounds=bounds, anchor_sizes=sizes)


def _checked(fields: Any, path: Path, params: Any) -> dict[str, Any]:
    """The fields of an anchor file, as SSDParams wants them; a tfe.InputError that names the file and the field if
    not."""
    if not isinstance(fields, dict) or "anchor_sizes" not in fields or not set(fields) <= set(FIELDS):
        raise tfe.InputError(f"{path}: expected an object with anchor_sizes and, if wanted, {', '.join(FIELDS[1:])}")
    n_layers = len(params.feat_layers)
    for field in PER_LAYER:
        if field in fields and not (isinstance(fields[field], list) and len(fields[field]) == n_layers):
            raise tfe.InputError(f"{path}: {field} needs a list with one entry for each of the net's {n_layers} layers")
    for layer, sizes in enumerate(fields["anchor_sizes"]):
        if not (_is_positive_list(sizes) and len(sizes) == 2):
            raise tfe.InputError(f"{path}: anchor_sizes[{layer}] is {sizes}; expected two sizes above 0 in pixels")
    for layer, ratios in enumerate(fields.get("anchor_ratios", [])):
        if not _is_positive_list(ratios):
            raise tfe.InputError(f"{path}: anchor_ratios[{layer}] is {ratios}; expected a list of numbers above 0")
    if not _is_positive_list(fields.get("anchor_steps", [])):
        raise tfe.InputError(f"{path}: anchor_steps is {fields['anchor_steps']}; expected distances above 0 in pixels")
    if not is_number(fields.get("anchor_offset", 0.5)):
        raise tfe.InputError(f"{path}: anchor_offset is {fields['anchor_offset']!r}; expected a number, such as 0.5")
    return {**fields, "anchor_sizes": [tuple(sizes) for sizes in fields["anchor_sizes"]]}


def _is_positive_list(values: Any) -> bool:
    return isinstance(values, list) and all(is_number(value) and value > 0 for value in values)
