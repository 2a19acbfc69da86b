"""Test-time flips: what a network finds in a picture and in its mirror images, agreed on. For `detection_graph`.

A picture's views go through the network as one batch, each view's boxes are selected and suppressed as ever, and then
1. every box goes back to the unmirrored picture;
2. non-maximum suppression over all views together chooses the boxes to vote on, as many as one view may have;
3. every box is of the best chosen one that it overlaps by SAME_IOU or more (by the threshold of step 2 where that is
   larger, for the chosen may then overlap by as much); for each, a view votes with its most probable box, or with 0 if
   it has none: the score is the mean of the votes, the box their mean, weighted by score.
So that a view which doubts is not taken for one that sees nothing, views vote from LEAST_VOTE on; where a detection
must have a higher score, that is asked of the mean.

Training with the same flips (`--vertical_flip` for the vertical ones) is the caller's: a net that never saw a picture
upside down has nothing to say about one.
"""
import functools

import tf_extended as tfe
from tf_extended.compat import tf

# For each value of --test_flips, the axes along which its views mirror a picture: 0 vertical, 1 horizontal.
VIEWS: dict[str, tuple[tuple[int, ...], ...]] = {
    "none": ((),), "horizontal": ((), (1,)), "vertical": ((), (0,)), "both": ((), (0,), (1,), (0, 1)),
}
SAME_IOU = 0.5
# Of the probability of a class, as the evaluation's documented threshold.
LEAST_VOTE = 0.01


def vote_threshold(flips: str, select_threshold: float) -> float:
    """The score above which a view's boxes take part, where detections need one above `select_threshold`."""
    return select_threshold if flips == "none" else min(select_threshold, LEAST_VOTE)


def mirrored(images: tf.Tensor, flips: str) -> tf.Tensor:
    """All views of a batch of images [B, H, W, 3], one after another: [V * B, H, W, 3]."""
    views = [tf.reverse(images, [axis + 1 for axis in axes]) if axes else images for axes in VIEWS[flips]]
    return tf.concat(views, axis=0) if len(views) > 1 else images


def unmirrored(bboxes: tf.Tensor, flips: str) -> tf.Tensor:
    """The boxes [V * B, …, 4] of all views as boxes of the picture itself, [V, B, …, 4]."""
    views = len(VIEWS[flips])
    by_view = tf.unstack(tf.reshape(bboxes, tf.concat([[views, -1], tf.shape(bboxes)[1:]], axis=0)), num=views)
    return tf.stack([functools.reduce(tfe.bboxes_flip, axes, boxes)
                     for boxes, axes in zip(by_view, VIEWS[flips], strict=True)])


def agree(scores: tf.Tensor, bboxes: tf.Tensor, flips: str, nms_threshold: float,
          select_threshold: float) -> tuple[tf.Tensor, tf.Tensor]:
    """What the views agree on: scores [B, C, K] and bboxes [B, C, K, 4], best first, 0 where there is no detection.

    scores [V * B, C, K] and bboxes [V * B, C, K, 4] of `mirrored` images, in `[0, 1]` of the network's input. A
    `select_threshold` that is more than LEAST_VOTE is for the result's scores.
    """
    n_classes, count = tfe.get_shape(scores)[1:]
    views = len(VIEWS[flips])
    # [B, C, V, K]: image by image the votes of 20 classes take 13 MB, of a batch at once a hundred.
    scores = tf.transpose(tf.reshape(scores, [views, -1, n_classes, count]), [1, 2, 0, 3])
    bboxes = tf.transpose(unmirrored(bboxes, flips), [1, 2, 0, 3, 4])
    scores, bboxes = tf.map_fn(lambda image: _vote(*image, nms_threshold), (scores, bboxes))
    sure = tf.cast(scores > (select_threshold if select_threshold > LEAST_VOTE else 0.0), scores.dtype)
    return scores * sure, bboxes * sure[..., None]


def _vote(scores: tf.Tensor, bboxes: tf.Tensor, nms_threshold: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Steps 2 and 3 for scores [C, V, K] and bboxes [C, V, K, 4] of one image: [C, K] and [C, K, 4]."""
    n_classes, views, count = tfe.get_shape(scores)
    everyone = tf.reshape(bboxes, [n_classes, views * count, 4])
    _, chosen = tfe.bboxes_nms_batch(
        tf.reshape(scores, [n_classes, views * count]), everyone, nms_threshold, keep_top_k=count)
    same = tfe.pairwise_jaccard(everyone, chosen) >= tf.maximum(SAME_IOU, nms_threshold)
    first = tf.argmax(tf.cast(same, tf.int32), axis=2, output_type=tf.int32)  # the chosen are in order of their scores
    same &= tf.equal(first[..., None], tf.range(count))
    votes = tf.broadcast_to(scores[..., None], [n_classes, views, count, count])
    votes = tf.where(tf.reshape(same, tf.shape(votes)), votes, tf.zeros_like(votes))
    # [C, V, K]: of each view, for each chosen box.
    weights, voters = tf.reduce_max(votes, axis=2), tf.argmax(votes, axis=2, output_type=tf.int32)
    places = tf.gather(bboxes, voters, batch_dims=2) * weights[..., None]
    places = tf.reduce_sum(places, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), tfe.bboxes.TINY)[..., None]
    return tfe.bboxes_sort(tf.reduce_mean(weights, axis=1), places, top_k=count)
