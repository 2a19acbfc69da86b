"""Running a small graph and drawing from it, for the tests of preprocessing."""
from collections.abc import Callable
from typing import Any

import numpy as np

from tf_extended.compat import tf


def run(build: Callable[..., Any], *arrays: Any) -> Any:
    """What `build` makes of the arrays, as NumPy."""
    return draw(build, *arrays, times=1, seed=None)[0]


def draw(build: Callable[..., Any], *arrays: Any, times: int, seed: int | None = 1) -> list:
    """`times` results of one graph that `build` makes of the arrays, under the graph-level `seed`."""
    return draw_each(build, [arrays], times=times, seed=seed)[0]


def draw_each(build: Callable[..., Any], inputs: list[tuple], times: int, seed: int | None = 1) -> list[list]:
    """`times` results for each of the inputs, tuples of arrays of like types and ranks, of one graph."""
    with tf.Graph().as_default(), tf.Session() as sess:
        if seed is not None:
            tf.set_random_seed(seed)
        # Placeholders, not constants: sizes are unknown when the graph is built, as in the input pipeline.
        inputs = [[np.asarray(array) for array in arrays] for arrays in inputs]
        fed = [tf.placeholder(array.dtype, [None] * array.ndim if array.ndim else []) for array in inputs[0]]
        result = build(*fed)
        return [[sess.run(result, dict(zip(fed, arrays, strict=True))) for _ in range(times)] for arrays in inputs]
