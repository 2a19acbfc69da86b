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
    with tf.Graph().as_default(), tf.Session() as sess:
        if seed is not None:
            tf.set_random_seed(seed)
        # Placeholders, not constants: sizes are unknown when the graph is built, as in the input pipeline.
        arrays = [np.asarray(array) for array in arrays]
        feeds = {tf.placeholder(a.dtype, [None] * a.ndim if a.ndim else []): a for a in arrays}
        result = build(*feeds)
        return [sess.run(result, dict(feeds.items())) for _ in range(times)]
