"""Every field of model.json: what is wrong with it is said with its name, its value and what was expected."""
import copy

import pytest

from nets import model_file, model_schema, nets_factory
from nets.ssd import SSDParams

LABELS = [f"class{i}" for i in range(20)]
GOOD = model_file.describe(nets_factory.get_network("ssd_300_vgg")(), LABELS)


def changed(field: str, value) -> dict:
    """GOOD with another value at `field` (`labels`, `params.img_shape`), or without it where `value` is `...`."""
    description = copy.deepcopy(GOOD)
    *parents, key = field.split(".")
    part = description["params"] if parents else description
    if value is ...:
        del part[key]
    else:
        part[key] = value
    return description


@pytest.mark.parametrize("name", nets_factory.NETWORKS)
def test_what_a_training_writes_is_right(name):
    assert model_schema.problems(model_file.describe(nets_factory.get_network(name)(), LABELS)) == []


def test_no_field_of_a_net_is_left_out():
    assert set(model_schema.PARAMS) == set(SSDParams._fields)
    assert {"format", *model_schema.FIELDS, *model_schema.OPTIONAL} == set(GOOD)


@pytest.mark.parametrize(("field", "value", "message"), [
    ("net", 3, "net is 3; expected the name of a net"),
    ("net", "", 'net is ""; expected the name of a net'),
    ("depth_multiplier", "0.5", 'depth_multiplier is "0.5"; expected a number above 0'),
    ("depth_multiplier", 0, "depth_multiplier is 0; expected a number above 0"),
    ("depth_multiplier", True, "depth_multiplier is true; expected a number above 0"),
    ("depth_multiplier", float("nan"), "depth_multiplier is NaN; expected a number above 0"),
    ("depth_multiplier", float("inf"), "depth_multiplier is Infinity; expected a number above 0"),
    ("batch_norm", "false", 'batch_norm is "false"; expected true or false'),
    ("batch_norm", None, "batch_norm is null; expected true or false"),
    ("initializer", ["he"], 'initializer is ["he"]; expected a name such as xavier'),
    ("labels", "cat", 'labels is "cat"; expected a list of names, one a class'),
    ("labels", ["cat", 2], 'labels is ["cat", 2]; expected a list of names, one a class'),
    ("params", [300], "params is [300]; expected an object with the numbers of the net"),
    ("interpolation", 1, "interpolation is 1; expected a name such as bilinear"),
    ("params.img_shape", [300], "params.img_shape is [300]; expected [height, width] in pixels"),
    ("params.img_shape", "300x300", 'params.img_shape is "300x300"; expected [height, width] in pixels'),
    ("params.img_shape", [300.5, 300], "params.img_shape is [300.5, 300]; expected [height, width] in pixels"),
    ("params.num_classes", "21", 'params.num_classes is "21"; expected a whole number of 2 or more'),
    ("params.num_classes", 1, "params.num_classes is 1; expected a whole number of 2 or more"),
    ("params.no_annotation_label", -1, "params.no_annotation_label is -1; expected a whole number of 0 or more"),
    ("params.feat_layers", "block4", 'params.feat_layers is "block4"; expected a list of names'),
    ("params.feat_shapes", [38], "params.feat_shapes is [38]; expected a list of [height, width]"),
    ("params.anchor_size_bounds", [0, 1], "params.anchor_size_bounds is [0, 1]; expected a list of numbers above 0"),
    ("params.anchor_sizes", [["21", 45]], 'params.anchor_sizes is [["21", 45]]; expected a list of [size, next size]'),
    ("params.anchor_sizes", [[1]], "params.anchor_sizes is [[1]]; expected a list of [size, next size]"),
    ("params.anchor_sizes", [[1, 2, 3]], "params.anchor_sizes is [[1, 2, 3]]; expected a list of [size, next size]"),
    ("params.anchor_ratios", [2, 0.5], "params.anchor_ratios is [2, 0.5]; expected a list of lists of numbers above 0"),
    ("params.anchor_steps", [8, None], "params.anchor_steps is [8, null]; expected a list of numbers above 0"),
    ("params.anchor_steps", [8, float("inf")], "params.anchor_steps is [8, Infinity]; expected a list of numbers"),
    ("params.anchor_offset", float("-inf"), "params.anchor_offset is -Infinity; expected a number such as 0.5"),
    ("params.anchor_offset", "0.5", 'params.anchor_offset is "0.5"; expected a number such as 0.5'),
    ("params.normalizations", 20, "params.normalizations is 20; expected a list of numbers"),
    ("params.prior_scaling", [0.1, 0.1], "params.prior_scaling is [0.1, 0.1]; expected four numbers above 0"),
])
def test_a_wrong_value(field, value, message):
    found = model_schema.problems(changed(field, value))
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize("field", [*model_schema.FIELDS, *(f"params.{name}" for name in model_schema.PARAMS)])
def test_a_missing_key(field):
    found = model_schema.problems(changed(field, ...))
    assert len(found) == 1
    assert found[0].startswith(f"{field} is missing; expected ")


@pytest.mark.parametrize("field", ["feat_shapes", "anchor_sizes", "anchor_ratios", "anchor_steps", "normalizations"])
@pytest.mark.parametrize("count", [5, 7])
def test_a_list_too_short_or_too_long(field, count):
    assert model_schema.problems(changed(f"params.{field}", (GOOD["params"][field] * 2)[:count])) == [
        f"params.{field} has {count} entries; expected 6, one for each of params.feat_layers"]


@pytest.mark.parametrize("count", [1, 19, 21])
def test_labels_and_classes_that_differ(count):
    assert model_schema.problems(changed("labels", ["cat"] * count)) == [
        f"labels has {count} entries; expected 20, because params.num_classes is 21 with the background"]


def test_everything_wrong_is_said_at_once():
    assert len(model_schema.problems({"net": 1, "params": {}, "labels": []})) == 4 + len(SSDParams._fields)


def test_long_values_are_cut():
    message = model_schema.problems(changed("params.anchor_steps", ["8"] * 500))[0]
    assert len(message) < 200
