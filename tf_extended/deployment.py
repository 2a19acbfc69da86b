"""Clones of one model on one machine's devices, and where everything else lives.

Clones are GPUs (or copies on the CPU) that share variables: each takes its own batch from the queue, and their
gradients are summed. Input pipeline, variables and optimiser sit on the CPU. Machines of a cluster, called replicas,
are TensorFlow's parameter-server runtime's business, not this module's.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tf_extended.compat import slim, tf

CPU = "/device:CPU:0"


@dataclass(frozen=True)
class Clone:
    """What one clone's model function returned, and the name scope and device it was built under."""

    outputs: Any
    scope: str
    device: str


def clone_scope(index: int, num_clones: int) -> str:
    """The name scope of a clone: none for a single one, so that its names stay the documented ones."""
    return f"clone_{index}/" if num_clones > 1 else ""


def clone_device(index: int, clone_on_cpu: bool) -> str:
    """The device of a clone. Sessions place softly, so GPU:0 means the CPU on a machine without a GPU."""
    return CPU if clone_on_cpu else f"/device:GPU:{index}"


def create_clones(num_clones: int, clone_on_cpu: bool, model_fn: Callable[..., Any], arguments: Sequence = ()) -> list:
    """Build `model_fn(*arguments)` once per clone; the variables are made by the first and reused by the others.

    Returns a list of `Clone`. Losses that `model_fn` adds to the losses collection are found again by its scope.
    """
    clones = []
    with slim.arg_scope([slim.model_variable, slim.variable], device=CPU):
        for index in range(num_clones):
            scope, device = clone_scope(index, num_clones), clone_device(index, clone_on_cpu)
            with tf.name_scope(scope or None), tf.device(device), \
                    tf.variable_scope(tf.get_variable_scope(), reuse=index > 0):
                clones.append(Clone(model_fn(*arguments), scope, device))
    return clones


def clone_gradients(clones: Sequence[Clone], optimizer: tf.train.Optimizer, var_list: Sequence[tf.Variable],
                    loss_scale: float = 1.0) -> tuple:
    """Total loss and gradients over all clones: (scalar tensor, [(gradient, variable), …]).

    The data losses of each clone count 1 / number of clones; the regularisation losses, which are the same in every
    clone because the variables are, count once. A variable that no loss depends on has the gradient None. On the way
    back the loss is multiplied by `loss_scale`, and the gradients are divided by it: small ones would be 0 in float16.
    """
    losses, gradients = [], []
    for index, clone in enumerate(clones):
        with tf.device(clone.device):
            data = tf.get_collection(tf.GraphKeys.LOSSES, clone.scope or None)
            parts = [sum_in_order(data, name="clone_loss") / len(clones)]
            if index == 0:
                parts += tf.losses.get_regularization_losses()
            loss = sum_in_order(parts)
            losses.append(loss)
            gradients.append(optimizer.compute_gradients(loss if loss_scale == 1.0 else loss * loss_scale, var_list))
    summed = _sum_gradients(gradients)
    if loss_scale != 1.0:
        summed = [(None if gradient is None else gradient / loss_scale, variable) for gradient, variable in summed]
    return sum_in_order(losses, name="total_loss"), summed


def sum_in_order(scalars: Sequence[tf.Tensor], name: str | None = None) -> tf.Tensor:
    """The sum of scalars, rounded alike every time.

    tf.add_n begins with the one whose memory it may overwrite, and which that is depends on which thread was faster.
    """
    return tf.reduce_sum(tf.stack(scalars), name=name)


def _sum_gradients(per_clone: Sequence[Sequence[tuple]]) -> list[tuple]:
    """Add up the gradients of each variable over the clones."""
    summed = []
    for pairs in zip(*per_clone, strict=True):
        present = [gradient for gradient, _ in pairs if gradient is not None]
        summed.append((tf.add_n(present) if present else None, pairs[0][1]))
    return summed
