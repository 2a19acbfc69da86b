"""Which object each anchor is responsible for. Section 2.2 of the paper, "Matching strategy".

Two strategies over one IoU matrix [anchors, objects], all feature layers at once:

- `slim`, the documented pipeline: an anchor takes the object that it overlaps most, however little; the score is the
  IoU, and the loss counts the anchors whose score exceeds its threshold.
- `paper`: first every object gets the free anchor that it overlaps most, whatever the IoU (one anchor each, the best
  pairs first); the score of these is 1, so that they are positive under any threshold. The other anchors as above.

Ties go to the first object, then to the first anchor. Not this module's job: the offsets (`nets.box_coder`), and the
threshold that makes a match positive (`nets.losses`).
"""
import numpy as np

import tf_extended as tfe
from tf_extended.compat import tf

STRATEGIES = ("slim", "paper")
# A forced match is as sure as an IoU of 1; an ignored anchor is neither positive nor negative in the loss.
FORCED_SCORE, IGNORED_SCORE = 1.0, -1.0


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
    # NaN would win every comparison and end as a NaN loss, steps later. The check also keeps TensorFlow from folding
    # boxes that are constants, and with that from reordering the union's sum: scores would differ in the last bit.
    bboxes = tf.debugging.check_numerics(tf.cast(bboxes, anchors.dtype), "the boxes of the objects")
    known = tf.where(labels < num_classes, bboxes, tf.zeros_like(bboxes))
    # Where N is 0 an empty box, which overlaps no anchor, stands in: there is a largest of one, of none there is not.
    some = tf.pad(known, [[0, tf.maximum(1 - tf.shape(known)[0], 0)], [0, 0]])
    overlaps = anchor_overlaps(some, anchors)
    scores, owners = _first_best(overlaps)
    owners = tf.where(scores > 0, owners + 1, tf.zeros_like(owners))  # from here on 0 is "nothing", 1 the first object
    if strategy == "paper":
        forced = forced_matches(tf.transpose(overlaps))
        owners = tf.where(forced >= 0, forced + 1, owners)
        scores = tf.where(forced >= 0, tf.fill(tf.shape(scores), tf.cast(FORCED_SCORE, scores.dtype)), scores)
    nothing = tf.constant([[0.0, 0.0, 1.0, 1.0]], bboxes.dtype)
    return (tf.gather(tf.pad(labels, [[1, 0]]), owners),
            tf.gather(tf.concat([nothing, bboxes], axis=0), owners),
            scores)


def anchor_overlaps(bboxes: tf.Tensor, anchors: np.ndarray) -> tf.Tensor:
    """IoU [K, N] of each of the constant `anchors` [K, 4] with each of `bboxes` [N, 4], both corners of one dtype.

    Equal to the last bit to `tfe.pairwise_jaccard(bboxes, anchors)`, transposed, but for anchors of less than its TINY
    in area. Right for any anchors; fast for those on grids, which share their sides: the 8732 of SSD-300 have 372
    different (ymin, ymax), and as many (xmin, xmax).
    """
    ymin, xmin, ymax, xmax = tf.unstack(bboxes, num=4, axis=1)
    inter = _shared_lengths(ymin, ymax, anchors[:, 0::2]) * _shared_lengths(xmin, xmax, anchors[:, 1::2])
    # The union is positive, so nothing divides 0 / 0: an intersection is never larger than its anchor. Bounded here,
    # on one side each, and not at full size; a box or an anchor that this changes has no intersection.
    anchor_areas = np.maximum((anchors[:, 3] - anchors[:, 1]) * (anchors[:, 2] - anchors[:, 0]), tfe.bboxes.TINY)
    areas = tf.maximum((xmax - xmin) * (ymax - ymin), 0.0)
    return inter / (anchor_areas[:, None] - inter + areas)


def _shared_lengths(low: tf.Tensor, high: tf.Tensor, sides: np.ndarray) -> tf.Tensor:
    """[K, N]: how much of each of the K intervals `sides` [K, 2] lies between `low` and `high` [N].

    Computed once for intervals that are equal. Rows are gathered: for 60 objects ten times as fast as columns.
    """
    different, which = np.unique(sides, axis=0, return_inverse=True)
    shared = tf.maximum(tf.minimum(high, different[:, 1:]) - tf.maximum(low, different[:, :1]), 0.0)
    return tf.gather(shared, which.reshape(-1).astype(np.int32))


def _first_best(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest value and its column, the first of equals, of each row of `values` [R, C]: [R] and [R] int32."""
    best, columns = tf.nn.top_k(values, k=1)  # with 60 columns less than half the time of argmax and reduce_max
    return tf.reshape(best, [-1]), tf.reshape(columns, [-1])


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
        best, favourite = _first_best(left)
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
