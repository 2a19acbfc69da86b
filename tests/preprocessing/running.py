"""Running a small graph and drawing from it, and samples of a recipe, for the tests of preprocessing."""
from collections.abc import Callable
from typing import Any

import numpy as np

from preprocessing.ssd_vgg_preprocessing import preprocess_for_train
from tf_extended.compat import tf

OUT = (60, 80)


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


def sample(image, bboxes, recipe, times=20, seed=1, out=OUT, data_format="NHWC"):
    return sample_each([image], bboxes, recipe, times, seed, out, data_format)[0]


def sample_each(images, bboxes, recipe, times=20, seed=1, out=OUT, data_format="NHWC"):
    labels, bboxes = np.arange(1, len(bboxes) + 1), np.asarray(bboxes, np.float32).reshape(-1, 4)
    return draw_each(lambda *inputs: preprocess_for_train(*inputs, out, data_format, augmentation=recipe),
                     [(image, labels, bboxes) for image in images], times=times, seed=seed)
