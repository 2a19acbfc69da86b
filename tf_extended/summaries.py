"""What TensorBoard shows of a training: losses, activations, pictures with boxes."""
from collections.abc import Mapping, Sequence

from tf_extended.compat import tf


def add_activations(end_points: Mapping[str, tf.Tensor]) -> None:
    """A histogram of every end point, and the share of its values that are zero (dead units)."""
    for name, activation in end_points.items():
        tf.summary.histogram(f"activations/{name}", activation)
        tf.summary.scalar(f"sparsity/{name}", tf.nn.zero_fraction(activation))


def add_scalars(values: Mapping[str, tf.Tensor]) -> None:
    """A curve for every entry, under its own name."""
    for name, value in values.items():
        tf.summary.scalar(name, value)


def add_image_with_boxes(name: str, image: tf.Tensor, bboxes: tf.Tensor, mean: Sequence[float],
                         data_format: str = "NHWC") -> None:
    """One picture as the network gets it, with its ground truth drawn.

    image [H, W, 3] ([3, H, W] for NCHW), whitened by subtracting `mean`; bboxes [N, 4] relative.
    """
    if data_format == "NCHW":
        image = tf.transpose(image, [1, 2, 0])
    pixels = tf.clip_by_value((image + tf.constant(mean, image.dtype)) / 255.0, 0.0, 1.0)
    tf.summary.image(name, tf.image.draw_bounding_boxes(pixels[None], bboxes[None]))
