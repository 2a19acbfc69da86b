"""What TensorBoard shows of a training: losses, activations, pictures with boxes."""
from collections.abc import Mapping, Sequence

from tf_extended.compat import tf


def add_activations(end_points: Mapping[str, tf.Tensor]) -> None:
    """A histogram of every end point, and the share of its values that are zero (dead units).

    Of the first picture of the batch: those of all cost a fifth of a gigabyte more memory than training itself.
    """
    for name, activation in end_points.items():
        activation = activation[:1]
        tf.summary.histogram(f"activations/{name}", activation)
        tf.summary.scalar(f"sparsity/{name}", tf.nn.zero_fraction(activation))


def add_scalars(values: Mapping[str, tf.Tensor]) -> None:
    """A curve for every entry, under its own name."""
    for name, value in values.items():
        tf.summary.scalar(name, value)


def add_images_with_targets(name: str, images: tf.Tensor, bboxes: Sequence[tf.Tensor], scores: Sequence[tf.Tensor],
                            threshold: float, mean: Sequence[float]) -> None:
    """Up to three pictures of a batch as the network gets them, with what their matched anchors are told to predict.

    images [B, H, W, 3] float32, whitened by subtracting `mean`. Lists over the layers: bboxes [B, h, w, A, 4] relative
    to the image, scores [B, h, w, A], above `threshold` where an anchor is matched.
    """
    batch = images.get_shape().as_list()[0]
    matched = [tf.where(tf.tile(s[..., None] > threshold, [1, 1, 1, 1, 4]), b, tf.zeros_like(b))
               for s, b in zip(scores, bboxes, strict=True)]
    flat = tf.concat([tf.reshape(b, [batch, -1, 4]) for b in matched], axis=1)
    pixels = tf.clip_by_value((images + tf.constant(mean, images.dtype)) / 255.0, 0.0, 1.0)
    tf.summary.image(name, tf.image.draw_bounding_boxes(pixels, flat))
