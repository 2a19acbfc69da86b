"""Which object each anchor is responsible for. Section 2.2 of the paper, "Matching strategy".

Two strategies over one IoU matrix [anchors, objects], all feature layers at once:

- `slim`, the documented pipeline: an anchor takes the object that it overlaps most, however little; the score is the
  IoU, and the loss counts the anchors whose score exceeds its threshold.
- `paper`: first every object gets the free anchor that it overlaps most, whatever the IoU (one anchor each, the best
  pairs first); the score of these is 1, so that they are positive under any threshold below 1. The other anchors as
  above.

Ties go to the first object, then to the first anchor. Not this module's job: the offsets (`nets.box_coder`), and the
threshold that makes a match positive (`nets.losses`).
"""
import numpy as np

import tf_extended as tfe
from tf_extended.compat import tf
from tf_extended.xla import jit_compiled

STRATEGIES = ("slim", "paper")
# A forced match is as sure as an IoU of 1; an ignored anchor is neither positive nor negative in the loss.
FORCED_SCORE, IGNORED_SCORE = 1.0, -1.0
# The compiled comparison is made for this number of objects, and for twice, four times as many and so on.
LEAST_OBJECTS = 8


def match(labels: tf.Tensor, bboxes: tf.Tensor, anchors: np.ndarray, num_classes: int,
          strategy: str = "slim") -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The label [K] int64, box [K, 4] and score [K] of the object that each of `anchors` [K, 4] (corners) is given.

    labels [N] int64 and bboxes [N, 4]: the objects of one image, N may be 0. A label that is not below `num_classes`
    and a box without area (or inverted) never match. An anchor without an object has label 0, score 0 and the whole
    image as box. Raises tfe.InputError for an unknown strategy.
    """
    if strategy not in STRATEGIES:
        raise tfe.InputError(f"matching is {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    labels = tf.cast(labels, tf.int64)
    # NaN would end as a NaN loss, steps later.
    bboxes = tf.debugging.check_numerics(tf.cast(bboxes, anchors.dtype), "the boxes of the objects")
    known = tf.where(labels < num_classes, bboxes, tf.zeros_like(bboxes))
    overlaps, scores, owners = compare(known, anchors)
    if strategy == "paper":
        forced = forced_matches(overlaps)
        owners = tf.where(forced >= 0, forced, owners)
        scores = tf.where(forced >= 0, tf.fill(tf.shape(scores), tf.cast(FORCED_SCORE, scores.dtype)), scores)
    nothing = tf.constant([[0.0, 0.0, 1.0, 1.0]], bboxes.dtype)
    owners += 1  # from here on 0 is "nothing", 1 the first object
    return (tf.gather(tf.pad(labels, [[1, 0]]), owners),
            tf.gather(tf.concat([nothing, bboxes], axis=0), owners),
            scores)


def compare(bboxes: tf.Tensor, anchors: np.ndarray) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Each of `bboxes` [N, 4] with each of the constant `anchors` [K, 4], both corners of one dtype.

    Returns the IoUs [N, K]; the largest of each anchor [K]; and whose it is [K] int32, the first of equals, -1 where
    none is positive. The IoUs are `tfe.pairwise_jaccard`'s, but summed in the order of the documented encoder, whose
    scores are reproduced to the last bit.
    """
    filled = _pad_boxes(bboxes)
    ymin, xmin, ymax, xmax = tf.unstack(filled, num=4, axis=1)
    # A box or an anchor without area has no intersection; bounded here, on one side each, no union is 0.
    areas = tf.maximum((xmax - xmin) * (ymax - ymin), 0.0)
    anchor_areas = np.maximum((anchors[:, 3] - anchors[:, 1]) * (anchors[:, 2] - anchors[:, 0]), tfe.bboxes.TINY)
    overlaps, best, owners = _compare(filled, areas, tf.constant(anchors.T), tf.constant(anchor_areas))
    return overlaps[:tf.shape(bboxes)[0]], best, owners


@jit_compiled
def _compare(bboxes, areas, anchor_columns, anchor_areas):
    """`compare` of boxes [N, 4] with anchors [4, K], of given areas [N] and [K]."""
    ymin, xmin, ymax, xmax = (side[:, None] for side in tf.unstack(bboxes, num=4, axis=1))
    low_y, low_x, high_y, high_x = tf.unstack(anchor_columns, num=4)
    height = tf.maximum(tf.minimum(ymax, high_y) - tf.maximum(ymin, low_y), 0.0)
    width = tf.maximum(tf.minimum(xmax, high_x) - tf.maximum(xmin, low_x), 0.0)
    # This maximum, and areas that are given, keep the compiler from joining a product with a sum, which rounds once
    # where the documented encoder rounds twice: scores would differ in the last bit.
    inter = tf.maximum(height * width, 0.0)
    overlaps = inter / (anchor_areas - inter + areas[:, None])

    def next_object(index, best, owners):  # a loop over whole rows, because a compiled maximum over columns is slow
        better = overlaps[index] > best
        return (index + 1, tf.where(better, overlaps[index], best),
                tf.where(better, tf.fill(tf.shape(owners), index), owners))

    nobody = tf.zeros_like(anchor_areas), tf.fill(tf.shape(anchor_areas), -1)
    _, best, owners = tf.while_loop(lambda index, *_: index < tf.shape(bboxes)[0], next_object, (0, *nobody))
    return overlaps, best, owners


def _pad_boxes(bboxes: tf.Tensor) -> tf.Tensor:
    """`bboxes` [N, 4] and after them empty ones, which overlap no anchor, up to the next of a few numbers.

    Each number of boxes is compiled once (`xla.jit_compiled`), so there must be few.
    """
    n_objects = tf.shape(bboxes)[0]
    doublings = tf.reduce_sum(tf.cast(n_objects > [LEAST_OBJECTS << power for power in range(20)], tf.int32))
    wanted = tf.bitwise.left_shift(LEAST_OBJECTS, doublings)
    return tf.pad(bboxes, [[0, wanted - n_objects], [0, 0]])


def forced_matches(overlaps: tf.Tensor) -> tf.Tensor:
    """For each of K anchors, the object [K] int32 that must have it, or -1: the best pairs of `overlaps` [N, K] first.

    Greedy bipartite matching: the pair of the largest IoU is taken, its object and anchor leave, and so on while an
    IoU is positive. An object gets no anchor only where all anchors that it overlaps are taken by better pairs. Each
    round takes every pair that is the best of its row and of its column: the same result in a few rounds instead of
    N, and each round only looks at the objects that still wait.
    """
    n_objects, n_anchors = tf.unstack(tf.shape(overlaps))

    def one_round(owners, waiting):
        left = tf.gather(overlaps, waiting) * tf.cast(owners < 0, overlaps.dtype)
        best, favourite = (tf.reshape(part, [-1]) for part in tf.nn.top_k(left, k=1))
        first = tf.argmax(tf.gather(left, favourite, axis=1), axis=0, output_type=tf.int32)
        taken = tf.equal(first, tf.range(tf.size(waiting))) & (best > 0)
        owners = tf.tensor_scatter_nd_update(
            owners, tf.boolean_mask(favourite, taken)[:, None], tf.boolean_mask(waiting, taken))
        return owners, tf.boolean_mask(waiting, ~taken & (best > 0))

    owners, _ = tf.while_loop(
        lambda _, waiting: tf.size(waiting) > 0, one_round, (tf.fill([n_anchors], -1), tf.range(n_objects)),
        shape_invariants=(overlaps.shape[1:], tf.TensorShape([None])), back_prop=False)
    return owners


def ignore_unannotated(scores: tf.Tensor, labels: tf.Tensor, bboxes: tf.Tensor, anchors: np.ndarray,
                       no_annotation_label: int, ignore_threshold: float) -> tf.Tensor:
    """`scores` [K] with IGNORED_SCORE for anchors in regions where objects were not annotated (KITTI's "DontCare").

    Such a region is an object of label `no_annotation_label`. An anchor of which more than the share `ignore_threshold`
    lies in one is ignored, unless an annotated object overlaps it by a larger IoU than that.
    """
    regions = tf.boolean_mask(tf.cast(bboxes, anchors.dtype), tf.equal(labels, no_annotation_label))
    # The first region is empty, so that the maximum is 0 where there is none.
    shares = tfe.bboxes_intersection(tf.pad(regions, [[1, 0], [0, 0]])[:, None, :], tf.constant(anchors)[None])
    ignored = (tf.reduce_max(shares, axis=0) > ignore_threshold) & (scores <= ignore_threshold)
    return tf.where(ignored, tf.fill(tf.shape(scores), tf.cast(IGNORED_SCORE, scores.dtype)), scores)
