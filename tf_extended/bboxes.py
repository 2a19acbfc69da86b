"""Boxes: arithmetic and filters.

The box contract of the project: `[..., 4]` float, `(ymin, xmin, ymax, xmax)`, relative to the image, in [0, 1] unless
a function says that boxes may stick out. Not this module's job: boxes with scores (`detections`), and encoding boxes
against anchors (`nets.box_coder`).

The arithmetic has one body for NumPy arrays and tensors, written with the names that both libraries have. What has no
such body says so.
"""
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_extended.compat import tf

TINY = 1e-30  # keeps 0 / 0 away: far smaller than the area of any real box


def array_namespace(*arrays: Any):
    """The library, `tf` or `np`, whose functions `arrays` want: `tf` as soon as one of them is a tensor."""
    return tf if any(isinstance(a, (tf.Tensor, tf.Variable)) for a in arrays) else np


def check_bboxes(bboxes: np.ndarray, where: str = "bboxes") -> np.ndarray:
    """The NumPy boxes as float32 if they hold the contract; a ValueError that quotes the first that does not."""
    bboxes = np.asarray(bboxes, np.float32)
    if bboxes.ndim < 1 or bboxes.shape[-1] != 4:
        raise ValueError(f"{where}: expected shape [..., 4] (ymin, xmin, ymax, xmax), got {list(bboxes.shape)}")
    rows = bboxes.reshape(-1, 4)
    good = (rows >= 0).all(1) & (rows <= 1).all(1) & (rows[:, 0] <= rows[:, 2]) & (rows[:, 1] <= rows[:, 3])
    if not good.all():
        index = int(np.argmin(good))
        raise ValueError(f"{where}: box {index} is {rows[index].tolist()}; expected min <= max, all in [0, 1]")
    return bboxes


def box_columns(bboxes: Any) -> tuple:
    """The four numbers of each of `bboxes` [..., 4], as four arrays [...]. NumPy or TF."""
    if array_namespace(bboxes) is tf:
        return tuple(tf.unstack(bboxes, num=4, axis=-1))  # one op where four slices are twenty
    return bboxes[..., 0], bboxes[..., 1], bboxes[..., 2], bboxes[..., 3]


def _area(corners: tuple) -> Any:
    ymin, xmin, ymax, xmax = corners
    return (xmax - xmin) * (ymax - ymin)


def _overlap(a: tuple, b: tuple, xp: Any) -> Any:
    """Area of the intersection of boxes given as broadcastable corners; 0 where they do not meet."""
    height = xp.maximum(xp.minimum(a[2], b[2]) - xp.maximum(a[0], b[0]), 0.0)
    width = xp.maximum(xp.minimum(a[3], b[3]) - xp.maximum(a[1], b[1]), 0.0)
    return height * width


def _jaccard(a: tuple, b: tuple, xp: Any) -> Any:
    inter = _overlap(a, b, xp)
    # A positive intersection means two proper boxes, so a positive union: TINY only ever divides a zero. The order
    # of the sum is that of TensorFlow's suppression, so that IoUs of exactly a threshold are decided alike.
    return inter / xp.maximum(_area(a) + _area(b) - inter, TINY)


def pairwise_jaccard(bboxes_a: Any, bboxes_b: Any) -> Any:
    """IoU of every box of `bboxes_a` [..., N, 4] with every box of `bboxes_b` [..., K, 4]: [..., N, K]. NumPy or TF."""
    xp = array_namespace(bboxes_a, bboxes_b)
    a = tuple(corner[..., :, None] for corner in box_columns(bboxes_a))
    b = tuple(corner[..., None, :] for corner in box_columns(bboxes_b))
    return _jaccard(a, b, xp)


def bboxes_jaccard(bbox_ref: Any, bboxes: Any) -> Any:
    """IoU of one box [4] with each of `bboxes` [N, 4]: [N]; 0 where a box is empty. NumPy or TF.

    Several boxes [B, 4] go with `bboxes` [B, N, 4], here and in the next three functions.
    """
    xp = array_namespace(bbox_ref, bboxes)
    ref, bboxes = _as_pair(bbox_ref, bboxes, xp)
    return _jaccard(_columns_beside(ref, bboxes), box_columns(bboxes), xp)


def bboxes_intersection(bbox_ref: Any, bboxes: Any) -> Any:
    """How much of each of `bboxes` [N, 4] lies in `bbox_ref` [4], as a share of the box's own area: [N].

    Not symmetric, and not IoU: see `bboxes_jaccard`. 0 for an empty box. NumPy or TF.
    """
    xp = array_namespace(bbox_ref, bboxes)
    ref, bboxes = _as_pair(bbox_ref, bboxes, xp)
    corners = box_columns(bboxes)
    return _overlap(_columns_beside(ref, bboxes), corners, xp) / xp.maximum(_area(corners), TINY)


def bboxes_clip(bbox_ref: Any, bboxes: Any) -> Any:
    """Clip `bboxes` [..., 4] (or a dict of them by class) to the box `bbox_ref` [4]. NumPy or TF.

    A box that does not meet `bbox_ref` comes back empty, never inverted; above or to the left of it, it stays there,
    as documented.
    """
    if isinstance(bboxes, dict):
        return {label: bboxes_clip(bbox_ref, boxes) for label, boxes in bboxes.items()}
    xp = array_namespace(bbox_ref, bboxes)
    ref, bboxes = _as_pair(bbox_ref, bboxes, xp)
    top, left, bottom, right = _columns_beside(ref, bboxes)
    ymin, xmin, ymax, xmax = box_columns(bboxes)
    ymin, xmin = xp.maximum(ymin, top), xp.maximum(xmin, left)
    ymax, xmax = xp.minimum(ymax, bottom), xp.minimum(xmax, right)
    return xp.stack([xp.minimum(ymin, ymax), xp.minimum(xmin, xmax), ymax, xmax], axis=-1)


def bboxes_resize(bbox_ref: Any, bboxes: Any) -> Any:
    """Coordinates of `bboxes` [..., 4] (or a dict of them by class) in the frame whose unit square is `bbox_ref` [4].

    What a crop to `bbox_ref` does to boxes; they may stick out of [0, 1] afterwards. NumPy or TF. Its inverse is the
    same call with the frame of the whole image as seen from the crop.
    """
    if isinstance(bboxes, dict):
        return {label: bboxes_resize(bbox_ref, boxes) for label, boxes in bboxes.items()}
    xp = array_namespace(bbox_ref, bboxes)
    ref, bboxes = _as_pair(bbox_ref, bboxes, xp)
    top, left, bottom, right = _columns_beside(ref, bboxes)
    origin = xp.stack([top, left, top, left], axis=-1)
    size = xp.stack([bottom - top, right - left, bottom - top, right - left], axis=-1)
    return (bboxes - origin) / size


def bboxes_flip(bboxes: Any, axis: int) -> Any:
    """`bboxes` [..., 4] mirrored with their image, top to bottom (axis 0) or left to right (axis 1). NumPy or TF.

    Its own inverse; boxes that stick out stick out on the other side.
    """
    corners = list(box_columns(bboxes))
    corners[axis], corners[axis + 2] = 1.0 - corners[axis + 2], 1.0 - corners[axis]
    return array_namespace(bboxes).stack(corners, axis=-1)


def bboxes_rotate(bboxes: Any, angle: Any, aspect: Any) -> Any:
    """`bboxes` [..., 4] turned clockwise about their image's centre by `angle` radians; they may stick out then.

    `aspect` is height over width of what the image shows, whose own pixels are turned. A box is that of the turned
    ellipse that fills it: right for what is round, and at multiples of 90 degrees for everything; at other angles too
    small for the corners of other things. NumPy or TF; angle and aspect are scalars.
    """
    xp = array_namespace(bboxes, angle, aspect)
    cosine, sine = xp.cos(angle), xp.sin(angle)
    ymin, xmin, ymax, xmax = box_columns(bboxes)
    y, x = ((ymin + ymax) / 2 - 0.5) * aspect, (xmin + xmax) / 2 - 0.5
    half_y, half_x = (ymax - ymin) / 2 * aspect, (xmax - xmin) / 2
    y, x = cosine * y + sine * x, cosine * x - sine * y
    half_y, half_x = (xp.sqrt(xp.square(cosine * along) + xp.square(sine * across))
                      for along, across in ((half_y, half_x), (half_x, half_y)))
    return xp.stack([(y - half_y) / aspect, x - half_x, (y + half_y) / aspect, x + half_x], axis=-1) + 0.5


def _as_pair(bbox_ref: Any, bboxes: Any, xp: Any) -> tuple:
    """Both as arrays of one library and one float type: that of `bboxes` where it has one."""
    if xp is tf:
        dtype = next(x.dtype.base_dtype for x in (bboxes, bbox_ref) if isinstance(x, (tf.Tensor, tf.Variable)))
        return tf.convert_to_tensor(bbox_ref, dtype), tf.convert_to_tensor(bboxes, dtype)
    bboxes = np.asarray(bboxes)
    bboxes = bboxes if bboxes.dtype.kind == "f" else bboxes.astype(np.float32)
    return np.asarray(bbox_ref, bboxes.dtype), bboxes


def _columns_beside(bbox_ref: Any, bboxes: Any) -> tuple:
    """The four numbers of `bbox_ref`, [4] or, for `bboxes` [B, ..., 4], [B, 4], shaped for arithmetic with theirs."""
    rank, whole = (x.shape.rank if tf.is_tensor(x) else x.ndim for x in (bbox_ref, bboxes))
    missing = whole - rank if rank and rank > 1 else 0
    return tuple(column[(..., *[None] * missing)] for column in box_columns(bbox_ref))


def bboxes_filter_center(labels: tf.Tensor, bboxes: tf.Tensor, margins: Sequence[float] = (0.0, 0.0, 0.0, 0.0)):
    """Keep the objects whose centre lies strictly inside the image, widened by `margins` (top, left, bottom, right).

    labels [N], bboxes [N, 4]; returns both, shortened. TF only.
    """
    cy = (bboxes[:, 0] + bboxes[:, 2]) / 2.0
    cx = (bboxes[:, 1] + bboxes[:, 3]) / 2.0
    inside = (cy > margins[0]) & (cx > margins[1]) & (cy < 1.0 + margins[2]) & (cx < 1.0 + margins[3])
    return tf.boolean_mask(labels, inside), tf.boolean_mask(bboxes, inside)


def bboxes_filter_overlap(labels: tf.Tensor, bboxes: tf.Tensor, threshold: float = 0.5, assign_negative: bool = False):
    """Keep the objects of which at least `threshold` of the area lies inside the image.

    labels [N], bboxes [N, 4], which may stick out of the image; returns both, shortened. With `assign_negative` nothing
    is dropped: the labels of those objects change their sign instead. TF only.
    """
    inside = bboxes_intersection([0.0, 0.0, 1.0, 1.0], bboxes) >= threshold
    if assign_negative:
        return tf.where(inside, labels, -labels), bboxes
    return tf.boolean_mask(labels, inside), tf.boolean_mask(bboxes, inside)


def bboxes_filter_labels(labels: tf.Tensor, bboxes: tf.Tensor, out_labels: Sequence[int] = (), num_classes=np.inf):
    """Drop the objects whose label is in `out_labels` or not below `num_classes`. TF only."""
    keep = tf.cast(labels, tf.float64) < num_classes
    for label in out_labels:
        keep &= tf.not_equal(labels, label)
    return tf.boolean_mask(labels, keep), tf.boolean_mask(bboxes, keep)
