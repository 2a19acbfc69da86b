"""What a session may use: devices, GPU memory, reduced precision; and what it does when a training starts.

Mixed precision is a rewrite of the graph when the session starts, no change of the nets: variables, gradients, loss and
decoding stay float32. bfloat16 goes through oneDNN on a CPU; float16 through TensorFlow's own rewrite on a GPU, which
scales no loss: that is the training's job, by `LOSS_SCALES`.
"""
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from tf_extended.compat import tf
from tf_extended.console import InputError, amount, say
from tf_extended.startup import quiet_banner

PRECISIONS = ("auto", "off", "bfloat16", "float16")
# What the loss is multiplied by on the way back, by precision. float16 has nothing below 6e-8; a power of two changes
# no digit of what float32 holds. bfloat16 has the range of float32.
LOSS_SCALES = {"off": 1.0, "bfloat16": 1.0, "float16": 128.0}
# Instruction sets with bfloat16 matrix products. Without one oneDNN emulates them, slower than float32, given those of
# the second row; without these too TensorFlow is left with kernels of its own that lack much.
BFLOAT16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
BFLOAT16_EMULATION_FLAGS = frozenset({"avx512f", "avx_ne_convert"})


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The instruction sets of this machine's processor, empty where the system does not tell."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), ()))


def gpus() -> list:
    """The GPUs that TensorFlow sees. Without one, the CUDA library's complaint about that is kept from the terminal."""
    with quiet_banner():
        return tf.config.list_physical_devices("GPU")


def bfloat16_runs() -> bool:
    """Whether this processor can run the bfloat16 rewrite at all, fast or not; yes where the system does not tell."""
    instructions = cpu_flags()
    return not instructions or bool((BFLOAT16_CPU_FLAGS | BFLOAT16_EMULATION_FLAGS) & instructions)


def multiplies_bfloat16() -> bool:
    """Whether this processor has bfloat16 matrix products; no where the system does not tell."""
    return bool(BFLOAT16_CPU_FLAGS & cpu_flags())


def is_slow(on_cpu: bool = False) -> bool:
    """Whether nets train slowly here: no GPU, or nothing on it (`on_cpu`), and a processor that does not multiply
    bfloat16 (or does not tell)."""
    return (on_cpu or not gpus()) and not multiplies_bfloat16()


def note_clones(num_clones: int, on_cpu: bool) -> None:
    """Say where more clones are asked for than there are GPUs: TensorFlow puts them where it can, and says nothing."""
    found = len(gpus())
    if not on_cpu and num_clones > max(found, 1):
        say(f"NOTE: --num_clones={num_clones}, but TensorFlow sees {amount(found, 'GPU')}: clones share a device, "
            "which makes nothing faster")


def choose_precision(asked: str, depthwise: bool = False, on_cpu: bool = False) -> tuple[str, str]:
    """Resolve the flag --mixed_precision: (`off` | `bfloat16` | `float16`, the reason in a few words).

    `auto` takes float16 on a GPU, bfloat16 on a CPU that multiplies it, nothing for nets of depthwise convolutions
    (`depthwise`), which it does not speed up. on_cpu: the net runs on the CPU, though there may be a GPU. Raises
    InputError for a wish that this machine cannot grant.
    """
    if asked not in PRECISIONS:
        raise InputError(f"--mixed_precision={asked}: expected one of {', '.join(PRECISIONS)}")
    has_gpu = not on_cpu and bool(gpus())
    if asked == "float16" and not has_gpu:
        raise InputError("--mixed_precision=float16 needs a GPU and none is seen; use --mixed_precision=auto")
    if asked == "bfloat16" and not bfloat16_runs():
        raise InputError("--mixed_precision=bfloat16 needs a processor with AVX512 at least, which this one lacks; use "
                         "--mixed_precision=auto")
    if asked != "auto":
        return asked, "as asked"
    if depthwise:
        return "off", "depthwise convolutions gain nothing from it"
    if has_gpu:
        return "float16", "a GPU is present"
    if multiplies_bfloat16():
        return "bfloat16", "the processor multiplies bfloat16"
    return "off", "the processor has no bfloat16 instructions"


def session_config(gpu_memory_fraction: float = 1.0, precision: str = "off") -> tf.ConfigProto:
    """The configuration of a session: soft placement, the share of each GPU's memory, the precision rewrite.

    `precision` is `off`, `bfloat16` or `float16`, as resolved by `choose_precision`.
    """
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.per_process_gpu_memory_fraction = gpu_memory_fraction
    rewrites = config.graph_options.rewrite_options
    # A second round over the graph finds nothing that makes a step faster, and takes most of a second at the start.
    rewrites.meta_optimizer_iterations = rewrites.ONE
    if precision == "bfloat16":
        rewrites.auto_mixed_precision_onednn_bfloat16 = rewrites.ON
    elif precision == "float16":
        rewrites.auto_mixed_precision = rewrites.ON
    return config


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
