"""Functions of tensors that XLA compiles."""
import functools
from collections.abc import Callable

from tf_extended.compat import tf


def jit_compiled(function: Callable) -> Callable:
    """A decorator: `function` of tensors (and constants), compiled by XLA for each combination of shapes it is given.

    For arithmetic on many numbers, none of it random: loops are fused, and intermediate results are not stored. Each
    new combination costs the time of a compilation, a tenth of a second or two, when it first comes. In a while loop of
    the graph it runs uncompiled.
    """
    compiled = tf.compat.v2.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def unless_in_a_loop(*args: object, **kwargs: object) -> object:
        return (function if _in_a_loop() else compiled)(*args, **kwargs)

    return unless_in_a_loop


def _in_a_loop() -> bool:
    """Whether operations are being added to the body of a while loop, tf.map_fn's too: XLA's cannot stand there."""
    context = tf.get_default_graph()._get_control_flow_context()
    while context is not None and not context.IsWhileContext():
        context = context.outer_context
    return context is not None
