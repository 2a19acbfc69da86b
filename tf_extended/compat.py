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
import contextlib
import functools
import gc
import importlib
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow turns oneDNN on by itself only where a processor has AVX512 or more. Those without, most laptops', train
# a thin net one and a half times as fast with it, and TensorFlow's own dilated convolution has no gradient.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def open_closed_streams() -> None:
    """Open nothing at all where a shell closed a standard stream (`2>&-`), for this process and those it starts.

    The next file that is opened would have its number else, and get what TensorFlow writes to it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, so the stream's own
            os.set_inheritable(nothing, True)
            setattr(sys, name, os.fdopen(nothing, mode))


@contextlib.contextmanager
def quiet_banner():
    """Keep TensorFlow's C++ start-up banner, which no log level silences, off the terminal; replay it on failure."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as terminal:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            terminal.write(held.read())
            raise
        finally:
            os.dup2(terminal.fileno(), 2)


@contextlib.contextmanager
def without_keras():
    """Keep `import tensorflow` from importing Keras 3, matplotlib, rich and PIL with it, a quarter of its time.

    It does so to register Keras' optimisers, which nothing here uses; asked for Keras 2, which is an extra package, it
    shrugs. Whoever reads `tf.keras` afterwards gets Keras 3 all the same.
    """
    name = "TF_USE_LEGACY_KERAS"
    asked = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        os.environ.pop(name) if asked is None else os.environ.update({name: asked})


@contextlib.contextmanager
def without_garbage_collection():
    """Keep Python from looking for garbage while much is made that stays: modules, graphs. A tenth of the start-up.

    What is there afterwards is not looked at again. Memory that is counted out goes at once, as always.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def plain_interrupts():
    """Let Ctrl-C end the process without a word, as it ends other programs, where Python would show where it was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


open_closed_streams()
with plain_interrupts(), quiet_banner(), without_keras(), without_garbage_collection():
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

with without_garbage_collection():
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


@contextlib.contextmanager
def without_graph_text():
    """Keep TensorFlow's Supervisor from writing the graph as text, graph.pbtxt, when a training starts.

    It cannot be told not to, takes most of a second, and TensorBoard reads the graph from the events.
    """
    write = tf.train.Supervisor._write_graph
    tf.train.Supervisor._write_graph = lambda _self: None
    try:
        yield
    finally:
        tf.train.Supervisor._write_graph = write


# TensorFlow's own, also within `shared_callables`: what an evaluation's session prepares goes with that session, and
# not into the keeping of the training around it.
_make_callable = tf.Session.make_callable


@contextlib.contextmanager
def shared_callables():
    """Let the threads of a queue share what a session prepares for the operation that they all run.

    Each thread asks for a callable of its own, and for each the session optimises the input's graph once more: with
    four threads a second of the start.
    """
    before, made, lock = tf.Session.make_callable, {}, threading.Lock()

    def shared(session: tf.Session, fetches: object, *args: object, **kwargs: object) -> Callable:
        if args or kwargs or not isinstance(fetches, tf.Operation):
            return _make_callable(session, fetches, *args, **kwargs)
        with lock:
            if (session, fetches) not in made:
                made[session, fetches] = _make_callable(session, fetches)
            return made[session, fetches]

    tf.Session.make_callable = shared
    try:
        yield
    finally:
        tf.Session.make_callable = before


def one_pass(function: Callable) -> Callable:
    """A decorator: `function` of tensors (and constants), compiled by XLA for each combination of shapes it is given.

    For arithmetic on many numbers, none of it random: loops are fused, and intermediate results are not stored. Each
    new combination costs the time of a compilation, a tenth of a second or two, when it first comes. In a while loop of
    the graph it runs uncompiled.
    """
    compiled = tf.compat.v2.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def in_one_pass(*args: object, **kwargs: object) -> object:
        return (function if _in_a_loop() else compiled)(*args, **kwargs)

    return in_one_pass


def _in_a_loop() -> bool:
    """Whether operations are being added to the body of a while loop, tf.map_fn's too: XLA's cannot stand there."""
    context = tf.get_default_graph()._get_control_flow_context()
    while context is not None and not context.IsWhileContext():
        context = context.outer_context
    return context is not None


__all__ = ["PATTERN", "REPAIRS", "missing_repairs", "one_pass", "repair", "shared_callables", "slim", "tf",
           "without_garbage_collection", "without_graph_text"]
