"""The project's one door to TensorFlow and tf-slim: `from tf_extended.compat import slim, tf`.

`tf` is the public `tensorflow.compat.v1` in graph mode. `slim` is tf-slim, after the names that it reads at use and
that TensorFlow no longer has were given back, each only where it is missing. Repairing anything else, or offering
TensorFlow symbols of our own, is not this module's job.

tf-slim 1.1.0 was written against TensorFlow 2.0's private modules. TensorFlow has since moved functions out of
`control_flow_ops`, `array_ops`, `ops` and `variable_scope`; `import tf_slim` still succeeds, and the first call that
needs a moved name fails, usually inside the TFRecord decoder. `REPAIRS` is the complete list of what tf-slim 1.1.0
misses in TensorFlow 2.21, but for the unfused batch norm, which needs Keras 2: `slim.batch_norm` works here with
`fused=True` and `updates_collections` other than the default one.
"""
import importlib
import os
import warnings

from tf_extended import startup

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow turns oneDNN on by itself only where a processor has AVX512 or more. Those without, most laptops', train
# a thin net one and a half times as fast with it, and TensorFlow's own dilated convolution has no gradient.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

startup.open_closed_streams()
with startup.plain_interrupts(), startup.quiet_banner(), startup.without_keras(), startup.without_garbage_collection():
    import tensorflow.compat.v1 as tf

REPAIRS = (
    # (private module, name, the public replacement)
    ("tensorflow.python.ops.control_flow_ops", "case", tf.case),
    ("tensorflow.python.ops.control_flow_ops", "cond", tf.cond),
    ("tensorflow.python.ops.control_flow_ops", "while_loop", tf.while_loop),
    ("tensorflow.python.ops.control_flow_ops", "Assert", tf.Assert),
    ("tensorflow.python.ops.array_ops", "stack", tf.stack),
    ("tensorflow.python.ops.array_ops", "unstack", tf.unstack),
    ("tensorflow.python.framework.ops", "Tensor", tf.Tensor),
    ("tensorflow.python.framework.ops", "IndexedSlices", tf.IndexedSlices),
    ("tensorflow.python.ops.variable_scope", "variable", tf.Variable),
)


def missing_repairs() -> list[tuple[str, str]]:
    """The (module, name) pairs of REPAIRS that TensorFlow lacks right now."""
    return [(module, name) for module, name, _ in REPAIRS if not hasattr(importlib.import_module(module), name)]


def repair() -> list[tuple[str, str]]:
    """Give TensorFlow's private modules the names that tf-slim reads; return the pairs that were missing."""
    missing = missing_repairs()
    for module, name, replacement in REPAIRS:
        if (module, name) in missing:
            setattr(importlib.import_module(module), name, replacement)
    return missing


repair()

with startup.without_garbage_collection():
    import tf_slim as slim

# Of slim's own layers, and of its supervisor when summaries are off: nothing a user could do about.
warnings.filterwarnings("ignore", message=".*layer.apply. is deprecated")
warnings.filterwarnings("ignore", message="Attempting to use a closed FileWriter")
# TensorFlow warns about every TF1 function by its name; the project uses them on purpose.
tf.logging.set_verbosity(tf.logging.ERROR)
# Graph mode with reference variables: what slim's learning loop and ten years of checkpoints were made with.
tf.disable_v2_behavior()


# What TensorFlow and tf-slim take for a pattern in the path of a file that is to be read.
PATTERN = frozenset("*?[")

__all__ = ["PATTERN", "REPAIRS", "missing_repairs", "repair", "slim", "tf"]
