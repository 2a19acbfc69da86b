"""The golden values of the nets, and how a test runs a graph."""
import importlib.util

import numpy as np

from tests.shared_data import GOLDEN
from tf_extended.compat import tf

FIELDS = ("logits", "localisations", "gclasses", "glocalisations", "gscores")


def load(name):
    """The arrays of GOLDEN/{name}.npz by key."""
    with np.load(GOLDEN / f"{name}.npz") as data:
        return {key: data[key] for key in data.files}


def cases(values, mark):
    """The case names of keys such as `{case}{mark}`."""
    return sorted({key.split(mark)[0] for key in values if mark in key})


def inputs():
    """GOLDEN/inputs.py as a module."""
    spec = importlib.util.spec_from_file_location("golden_inputs", GOLDEN / "inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(build, *arrays, fed=True):
    """Session-run what `build(*tensors)` returns, of `arrays` fed through placeholders that leave the first axis open.

    `fed=False`: as constants, whose shapes the graph knows.
    """
    arrays = [np.asarray(a) for a in arrays]
    with tf.Graph().as_default(), tf.Session() as sess:
        if not fed:
            return sess.run(build(*[tf.constant(a) for a in arrays]))
        tensors = [tf.placeholder(a.dtype, [None, *a.shape[1:]] if a.ndim else []) for a in arrays]
        return sess.run(build(*tensors), dict(zip(tensors, arrays, strict=True)))
