"""Anchors (default boxes): where they are, how large, in what order. Section 2.2 of the paper, "Choosing scales and
aspect ratios for default boxes".

1. `ssd_size_bounds_to_values` spreads sizes evenly over the layers, or a net's row of data states them.
2. `ssd_anchor_one_layer` lays a grid of centres over the image, and a list of heights and widths for each centre.
3. `ssd_anchors_all_layers` does so for every feature layer.
4. `flatten_anchors` puts them on one axis of K anchors, in the order in which the heads predict.

Anchors are NumPy, fixed by the net. Not this module's job: their match with objects (`nets.matching`) and the offsets
relative to them (`nets.box_coder`).

A layer's anchors are four arrays: y, x [H, W, 1], the centres; h, w [A]: relative to the image, float.
"""
import math
from collections.abc import Sequence

import numpy as np

LayerAnchors = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def ssd_size_bounds_to_values(size_bounds: Sequence[float], n_feat_layers: int,
                              img_shape: Sequence[int] = (300, 300)) -> list[tuple[float, float]]:
    """The (size, next size) in pixels of each of `n_feat_layers` layers, from the relative bounds (smallest, largest).

    Equation 4 of the paper as Caffe's SSD computes it: sizes grow by an equal step of whole percents from the second
    layer on (17 for .2 to .9, where the equation has 17.5); the first has half the lower bound (its rule for conv4_3).
    Only for square images; raises ValueError otherwise, for fewer than three layers, and for bounds so close together
    that sizes would not grow.
    """
    if img_shape[0] != img_shape[1]:
        raise ValueError(f"size bounds are for square images, not {tuple(img_shape)}: state anchor_sizes instead")
    if n_feat_layers < 3:
        raise ValueError(f"size bounds need 3 feature layers or more, not {n_feat_layers}: state anchor_sizes instead")
    size = img_shape[0]
    low, high = (math.floor(round(bound * 100, 6)) for bound in size_bounds)  # .29 * 100 is 28.999999999999996
    step = math.floor((high - low) / (n_feat_layers - 2))
    if step < 1:
        raise ValueError(f"size bounds {tuple(size_bounds)}: expected {n_feat_layers - 2} percents or more between the "
                         "smallest and the largest; state anchor_sizes instead")
    first = (size * size_bounds[0] / 2, size * size_bounds[0])
    starts = range(low, low + step * (n_feat_layers - 1), step)
    return [first] + [(size * start / 100.0, size * (start + step) / 100.0) for start in starts]


def anchors_per_cell(sizes: Sequence[float], ratios: Sequence[float]) -> int:
    """How many anchors share a centre: one a size, one a ratio."""
    return len(sizes) + len(ratios)


def ssd_anchor_one_layer(img_shape: Sequence[int], feat_shape: Sequence[int], sizes: Sequence[float],
                         ratios: Sequence[float], step: float, offset: float = 0.5, dtype=np.float32) -> LayerAnchors:
    """The anchors of one feature layer: y, x [H, W, 1] (centres), h, w [A], relative to the image.

    img_shape (height, width), `sizes` (size, next size) and `step` (distance of centres) are in pixels; feat_shape is
    (H, W). The A shapes at a centre: a square of the first size; a square of the geometric mean of both sizes; the
    first size at each ratio width / height.
    """
    rows, columns = np.mgrid[0:feat_shape[0], 0:feat_shape[1]]
    y = (rows.astype(dtype) + offset) * step / img_shape[0]
    x = (columns.astype(dtype) + offset) * step / img_shape[1]
    squares = [sizes[0]] + [math.sqrt(sizes[0] * size) for size in sizes[1:]]
    # Divided by the image before the ratio: float32 anchors, and so the scores of matches, come out equal to the bit.
    h = [square / img_shape[0] for square in squares] + [sizes[0] / img_shape[0] / math.sqrt(r) for r in ratios]
    w = [square / img_shape[1] for square in squares] + [sizes[0] / img_shape[1] * math.sqrt(r) for r in ratios]
    return y.astype(dtype)[..., None], x.astype(dtype)[..., None], np.array(h, dtype), np.array(w, dtype)


def ssd_anchors_all_layers(img_shape: Sequence[int], layers_shape: Sequence[Sequence[int]],
                           anchor_sizes: Sequence[Sequence[float]], anchor_ratios: Sequence[Sequence[float]],
                           anchor_steps: Sequence[float], offset: float | Sequence[float] = 0.5,
                           dtype=np.float32) -> list[LayerAnchors]:
    """`ssd_anchor_one_layer` of every layer; the four lists have one entry a layer, and `offset` may have."""
    layers = zip(layers_shape, anchor_sizes, anchor_ratios, anchor_steps, layer_offsets(offset, len(layers_shape)),
                 strict=True)
    return [ssd_anchor_one_layer(img_shape, shape, sizes, ratios, step, first, dtype)
            for shape, sizes, ratios, step, first in layers]


def layer_offsets(offset: float | Sequence[float], num_layers: int) -> Sequence[float]:
    """The offset of every layer: the one of all, or as they are."""
    return [offset] * num_layers if np.isscalar(offset) else offset


def flatten_layer(anchors_layer: LayerAnchors) -> np.ndarray:
    """One layer's anchors as [H·W·A, 4] (cy, cx, h, w): rows, then columns, then shapes, as the heads predict them."""
    y, x, h, w = (np.asarray(part) for part in anchors_layer)
    return np.stack(np.broadcast_arrays(y, x, h, w), axis=-1).reshape(-1, 4)


def flatten_anchors(anchors: Sequence[LayerAnchors]) -> np.ndarray:
    """All layers' anchors on one axis: [K, 4] (cy, cx, h, w)."""
    return np.concatenate([flatten_layer(layer) for layer in anchors])


def layer_shapes(anchors: Sequence[LayerAnchors]) -> list[tuple[int, int, int]]:
    """(H, W, A) of every layer, to put what was flattened back."""
    return [(*np.shape(y)[:2], len(h)) for y, _, h, _ in anchors]


def to_corners(anchors: np.ndarray) -> np.ndarray:
    """[K, 4] (cy, cx, h, w) → [K, 4] (ymin, xmin, ymax, xmax), which may stick out of the image."""
    cy, cx, h, w = np.moveaxis(anchors, -1, 0)
    return np.stack([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2], axis=-1)
