"""Shapes of tensors, and lists of tensors flattened for queues and put back.

`reshape_list` is an inverse pair with itself: `reshape_list(reshape_list(l), shape) == l` where `shape` tells, for
every entry of `l`, how many tensors it has.
"""
from collections.abc import Sequence
from typing import Any

from tf_extended.compat import tf


def get_shape(x: tf.Tensor, rank: int | None = None) -> list:
    """The shape of `x` as a list: an int where it is known when the graph is built, a scalar tensor elsewhere.

    `rank` is needed only for a tensor whose number of dimensions is not known; without it such a tensor is refused
    with a ValueError, and so is one of another rank.
    """
    static = x.get_shape() if rank is None else x.get_shape().with_rank(rank)
    if static.is_fully_defined():
        return static.as_list()
    if static.ndims is None:
        raise ValueError(f"get_shape: the rank of {x.name} is not known; give it as `rank`")
    dynamic = tf.unstack(tf.shape(x), static.ndims)
    return [known if known is not None else size for known, size in zip(static.as_list(), dynamic, strict=True)]


def reshape_list(l: Sequence[Any], shape: Sequence[int] | None = None) -> list:  # noqa: E741 (the documented name)
    """Flatten a list of items and lists into one list; with `shape`, put the flat list back.

    `shape` has one number per entry of the result: 1 for an item, n for a list of n items. So a list of one item
    comes back as the item. Raises ValueError where `l` has not the `sum(shape)` items that `shape` asks for.
    """
    if shape is None:
        flat = []
        for entry in l:
            flat.extend(entry if isinstance(entry, (list, tuple)) else [entry])
        return flat
    if len(l) != sum(shape):
        raise ValueError(f"reshape_list: {len(l)} items do not fill the shape {list(shape)} of {sum(shape)}")
    entries, start = [], 0
    for size in shape:
        entries.append(l[start] if size == 1 else list(l[start:start + size]))
        start += size
    return entries


def at_most(limit: Any, size: Any) -> Any:
    """The smaller of `limit` and a size as `get_shape` tells it: a number where both are, else a tensor."""
    return tf.minimum(limit, size) if tf.is_tensor(limit) or tf.is_tensor(size) else min(limit, size)
