"""Boxes as offsets from anchors, and back: an inverse pair. Equation 2 of the paper (ĝ of section 2.2, "Training
objective").

    x = (cx - anchor cx) / anchor w / s0        w = ln(box w / anchor w) / s2
    y = (cy - anchor cy) / anchor h / s1        h = ln(box h / anchor h) / s3

with the scaling s = (.1, .1, .2, .2) that brings the four to about the same spread (Caffe calls it prior variance).
One body for NumPy arrays and tensors. Not this module's job: which box belongs to which anchor (`nets.matching`).
"""
from collections.abc import Sequence
from typing import Any

import tf_extended as tfe

PRIOR_SCALING = (0.1, 0.1, 0.2, 0.2)


def encode(bboxes: Any, anchors: Any, prior_scaling: Sequence[float] = PRIOR_SCALING) -> Any:
    """[..., 4] boxes (ymin, xmin, ymax, xmax) → [..., 4] offsets (x, y, w, h) from anchors [..., 4] (cy, cx, h, w).

    The boxes need a positive height and width: the logarithm of zero is -inf, and nothing here hides it.
    """
    xp = tfe.array_namespace(bboxes, anchors)
    ymin, xmin, ymax, xmax = tfe.box_columns(bboxes)
    cy, cx, h, w = tfe.box_columns(anchors)
    return xp.stack([
        ((xmax + xmin) / 2.0 - cx) / w / prior_scaling[0],
        ((ymax + ymin) / 2.0 - cy) / h / prior_scaling[1],
        xp.log((xmax - xmin) / w) / prior_scaling[2],
        xp.log((ymax - ymin) / h) / prior_scaling[3],
    ], axis=-1)


def decode(offsets: Any, anchors: Any, prior_scaling: Sequence[float] = PRIOR_SCALING) -> Any:
    """The inverse of `encode`: [..., 4] offsets (x, y, w, h) → [..., 4] boxes (ymin, xmin, ymax, xmax), not clipped."""
    xp = tfe.array_namespace(offsets, anchors)
    x, y, width, height = tfe.box_columns(offsets)
    anchor_cy, anchor_cx, anchor_h, anchor_w = tfe.box_columns(anchors)
    cx = x * anchor_w * prior_scaling[0] + anchor_cx
    cy = y * anchor_h * prior_scaling[1] + anchor_cy
    w = anchor_w * xp.exp(width * prior_scaling[2])
    h = anchor_h * xp.exp(height * prior_scaling[3])
    return xp.stack([cy - h / 2.0, cx - w / 2.0, cy + h / 2.0, cx + w / 2.0], axis=-1)
