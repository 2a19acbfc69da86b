"""Why a checkpoint does not fit, told with the flag that makes it fit where there is one."""
import numpy as np
import pytest

from tf_extended import restore_plan

NETS = ("net_300", "net_512", "other")
WANTED = [f"net_300/{name}" for name in ("conv1/weights", "conv2/weights", "block/a/weights", "head/weights")]


def under(scope, names=WANTED, end=""):
    return [name.replace("net_300", scope, 1).lstrip("/") + end for name in names]


@pytest.mark.parametrize(("stored", "told"), [
    (under("tower/net_300"), "under tower/net_300; set --checkpoint_model_scope=tower/net_300"),
    ([*under("tower"), "other_scope/head/weights"], "under tower; set --checkpoint_model_scope=tower"),
    (under(""), "under no scope; set --checkpoint_model_scope=/"),
    (under("net_512"), "it is of net_512; give --model_name=net_512, or --checkpoint_model_scope=net_512 for what"),
    (["other/body/weights", "other/head/weights"], "it is of other; give --model_name=other"),
    (["net_300/body/weights"], "it has no variable net_300/body/weights, nor any other of those; give the --model"),
    (["alexnet/conv/weights", "beta1_power"], "its variables are under alexnet, none with a name of this net"),
    (["beta1_power"], "its variables are under no scope, none with a name of this net"),
    (under("net_300", end="/ExponentialMovingAverage"), "it holds moving averages only, net_300/block/a/weights/Exp"),
])
def test_why_nothing_fits(stored, told):
    said = restore_plan.why_nothing_fits(WANTED, stored, "net_300", NETS)
    assert told in said
    assert ("--checkpoint_model_scope" in said) == ("--checkpoint_model_scope" in told)


@pytest.mark.parametrize(("missing", "here", "stored", "told"), [
    (["a/biases"], ["a/weights", "a/biases"], ["a/weights", "a/BatchNorm/beta"], "give --batch_norm"),
    (["a/BatchNorm/beta"], ["a/weights", "a/BatchNorm/beta"], ["a/weights", "a/biases"], "leave out --batch_norm"),
    (["b/weights"], ["a/weights", "b/weights"], ["a/weights", "a/BatchNorm/beta"], "--ignore_missing_vars"),
    (["b/BatchNorm/beta"], ["b/BatchNorm/beta"], ["a/BatchNorm/beta"], "exclude them"),
    (["b/biases"], ["a/weights", "b/biases"], ["a/weights"], "exclude them"),
])
def test_what_to_do_about_missing(missing, here, stored, told):
    said = restore_plan.what_to_do_about_missing(missing, here, stored)
    assert told in said
    assert ("--batch_norm" in said) == ("--batch_norm" in told)


@pytest.mark.parametrize(("value", "fine"), [
    (np.float64([1, 2]), True), (np.int64([1]), True), (np.float32([]), True), (np.float16([np.inf]), False),
    (np.float32([1, np.nan]), False), (np.array([b"x"], object), False)])
def test_first_not_finite(value, fine):
    assert restore_plan.first_not_finite({"a": np.ones(2), "b": value, "c": value}) == (None if fine else "b")


@pytest.mark.parametrize(("names", "others", "told"), [
    (["a/b/w", "a/c/w"], ["a/d/w"], ["a/b/w", "a/c/w"]),  # a name says more than its scope
    (["a/b/w", "a/b/x", "a/c/d/w", "a/c/e/w"], ["a/d/w"], ["a/b, 2 variables", "a/c, 2 variables"]),
    (["a/b/c/w", "a/b/c/x"], ["a/b/d/w"], ["a/b/c, 2 variables"]),  # not the scope that holds others
    (["a/b/x", "a/bc/x", "a/bc/y"], ["a/b/w"], ["a/b/x", "a/bc, 2 variables"]),  # scopes are no prefixes
    (["a/b/w", "a/c/w"], [], ["a, 2 variables"]),
    (["w", "v"], ["a/w"], ["w", "v"]),
    ([], ["a/w"], []),
])
def test_whole_scopes_are_told_together(names, others, told):
    assert restore_plan.by_scope(names, others) == told
