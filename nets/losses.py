"""The training objective: classification with hard negative mining, and localisation. Section 2.2 of the paper,
"Training objective" (equations 1 to 3) and "Hard negative mining".

1. Put all layers on one axis, [B, K].
2. Positives are the anchors whose score (`nets.matching`) exceeds the threshold; the others are negatives, but for
   those with a negative score, which are ignored.
3. Mine: of the negatives, keep those which the network likes least as background, `negative_ratio` a positive.
4. Cross-entropy of positives with their class and of kept negatives with background; smooth L1 of the positives'
   offsets.

The defaults are the documented pipeline's: mining over the batch, loss divided by the batch size. Those of the paper
are `mining="image"` and `normalization="positives"`. Weight decay is not this module's job: slim collects it.
"""
from collections.abc import Sequence

import tf_extended as tfe
from nets import custom_layers
from nets.ssd_layers import flatten_layers
from tf_extended.compat import tf

MININGS = ("batch", "image")
NORMALIZATIONS = ("batch_size", "positives")


def ssd_losses(logits: Sequence[tf.Tensor], localisations: Sequence[tf.Tensor], gclasses: Sequence[tf.Tensor],
               glocalisations: Sequence[tf.Tensor], gscores: Sequence[tf.Tensor], match_threshold: float = 0.5,
               negative_ratio: float = 3.0, alpha: float = 1.0, label_smoothing: float = 0.0, scope: str | None = None,
               mining: str = "batch", normalization: str = "batch_size") -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The losses of the positives' classes, the negatives' classes and the localisations: three scalars.

    Lists over the layers: logits [B, H, W, A, C], localisations and glocalisations [B, H, W, A, 4], gclasses [B, H,
    W, A] int64, gscores [B, H, W, A]. `alpha` weighs localisation; `label_smoothing` mixes that share of the uniform
    distribution into the targets. The three are also added to `tf.GraphKeys.LOSSES`. Batches without positives or
    without negatives give zeros, not NaN. Raises tfe.InputError for an unknown mining or normalization.
    """
    _one_of("mining", mining, MININGS)
    _one_of("normalization", normalization, NORMALIZATIONS)
    with tf.name_scope(scope, "ssd_losses"):
        logits, localisations = flatten_layers(logits, 1), flatten_layers(localisations, 1)
        gclasses, gscores = flatten_layers(gclasses, 0), flatten_layers(gscores, 0)
        positive = gscores > match_threshold
        negative = ~positive & (gscores > -0.5)
        background = tf.nn.softmax(logits)[..., 0]
        mine = _mine_batch if mining == "batch" else _mine_images
        mined = tf.stop_gradient(mine(background, positive, negative, negative_ratio))
        entropy = _cross_entropy(logits, tf.where(positive, gclasses, tf.zeros_like(gclasses)), label_smoothing)
        wanted = tf.cast(flatten_layers(glocalisations, 1), localisations.dtype)
        offsets = custom_layers.abs_smooth(localisations - wanted)
        positive, mined = tf.cast(positive, logits.dtype), tf.cast(mined, logits.dtype)
        count = tf.cast(tf.shape(logits)[0], logits.dtype)
        if normalization == "positives":
            count = tf.maximum(tf.reduce_sum(positive), 1.0)
        return (_add_loss("cross_entropy_pos", tf.reduce_sum(entropy * positive), count),
                _add_loss("cross_entropy_neg", tf.reduce_sum(entropy * mined), count),
                _add_loss("localization", alpha * tf.reduce_sum(tf.reduce_sum(offsets, axis=-1) * positive), count))


def _mine_batch(background: tf.Tensor, positive: tf.Tensor, negative: tf.Tensor, ratio: float) -> tf.Tensor:
    """The negatives [B, K] bool that are harder than the n-th hardest of the whole batch (the documented rule).

    n is `ratio` a positive plus one an image, at most all negatives. The n-th itself stays out, and so do its equals.
    """
    wanted = _wanted(positive, negative, ratio) + tf.shape(positive)[0]
    wanted = tf.minimum(wanted, tf.reduce_sum(tf.cast(negative, tf.int32)))
    hardness = tf.where(negative, -background, -tf.ones_like(background))
    hardest, _ = tf.nn.top_k(tf.reshape(hardness, [-1]), k=tf.maximum(wanted, 1))
    return negative & (background < -hardest[-1])


def _mine_images(background: tf.Tensor, positive: tf.Tensor, negative: tf.Tensor, ratio: float) -> tf.Tensor:
    """The negatives [B, K] bool that are the `ratio` times positives hardest of their own image, as Caffe's SSD has it.

    Of equals the first in order of anchors. An image without positives gives no negatives.
    """
    wanted = _wanted(positive, negative, ratio, axis=1)
    hardness = tf.where(negative, -background, -2.0 * tf.ones_like(background))
    _, order = tf.nn.top_k(hardness, k=tf.reduce_max(wanted))
    chosen = tf.range(tf.shape(order)[1])[None, :] < wanted[:, None]
    image = tf.broadcast_to(tf.range(tf.shape(order)[0])[:, None], tf.shape(order))
    places = tf.boolean_mask(tf.stack([image, order], axis=-1), chosen)
    return tf.scatter_nd(places, tf.ones_like(places[:, 0]), tf.shape(positive)) > 0


def _wanted(positive: tf.Tensor, negative: tf.Tensor, ratio: float, axis: int | None = None) -> tf.Tensor:
    """How many negatives to keep, int32: `ratio` for each positive, at most all there are.

    Computed in float, where a huge ratio does not overflow.
    """
    positives, negatives = (tf.reduce_sum(tf.cast(mask, tf.float32), axis=axis) for mask in (positive, negative))
    return tf.cast(tf.minimum(ratio * positives, negatives), tf.int32)


def _cross_entropy(logits: tf.Tensor, classes: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Cross-entropy [B, K] of the softmax of `logits` [B, K, C] with `classes` [B, K], smoothed towards uniform."""
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)
    num_classes = logits.get_shape().as_list()[-1]
    targets = tf.one_hot(classes, num_classes, 1.0 - smoothing + smoothing / num_classes, smoothing / num_classes)
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=targets, logits=logits)


def _add_loss(name: str, total: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    with tf.name_scope(name):
        loss = tf.divide(total, count, name="value")
    tf.losses.add_loss(loss)
    return loss


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise tfe.InputError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")
