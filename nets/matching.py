"""Which object each anchor is responsible for. Section 2.2 of the paper, "Matching strategy".

Two strategies over one IoU matrix [objects, anchors], all feature layers at once:

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
    # Object 0 is "nothing", an empty box that overlaps no anchor: it wins where all IoU are 0, and where N is 0.
    overlaps = tfe.pairwise_jaccard(tf.pad(known, [[1, 0], [0, 0]]), tf.constant(anchors))
    owners = tf.argmax(overlaps, axis=0, output_type=tf.int32)
    scores = tf.reduce_max(overlaps, axis=0)
    if strategy == "paper":
        forced = forced_matches(overlaps[1:])
        owners = tf.where(forced >= 0, forced + 1, owners)
        scores = tf.where(forced >= 0, tf.fill(tf.shape(scores), tf.cast(FORCED_SCORE, scores.dtype)), scores)
    nothing = tf.constant([[0.0, 0.0, 1.0, 1.0]], bboxes.dtype)
    return (tf.gather(tf.pad(labels, [[1, 0]]), owners),
            tf.gather(tf.concat([nothing, bboxes], axis=0), owners),
            scores)


def forced_matches(overlaps: tf.Tensor) -> tf.Tensor:
    """For each of K anchors, the object [K] int32 that must have it, or -1: the best pairs of `overlaps` [N, K] first.

    Greedy bipartite matching: the pair of the largest IoU is taken, its object and anchor leave, and so on while an
    IoU is positive. An object gets no anchor only where all anchors that it overlaps are taken by better pairs. Each
    round takes every pair that is the best of its row and of its column: the same result in a few rounds instead of
    N.
    """
    n_objects, n_anchors = tf.unstack(tf.shape(overlaps))
    numbers = tf.range(n_objects)

    def one_round(owners, waiting, _):
        free = tf.cast(owners < 0, overlaps.dtype)
        left = overlaps * free[None, :] * tf.cast(waiting, overlaps.dtype)[:, None]
        favourite = tf.argmax(left, axis=1, output_type=tf.int32)
        wanted = tf.gather(left, favourite, axis=1)
        first = tf.equal(tf.argmax(wanted, axis=0, output_type=tf.int32), numbers)
        taken = first & (tf.reduce_max(left, axis=1) > 0)
        chosen = tf.boolean_mask(favourite, taken)
        owners = tf.tensor_scatter_nd_update(owners, chosen[:, None], tf.boolean_mask(numbers, taken))
        return owners, waiting & ~taken, tf.reduce_any(taken)

    owners, _, _ = tf.while_loop(
        lambda owners, waiting, progress: progress & tf.reduce_any(waiting), one_round,
        (tf.fill([n_anchors], -1), tf.fill([n_objects], True), tf.constant(True)), back_prop=False,
    )
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
