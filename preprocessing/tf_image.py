"""Pixels together with their boxes: whitening, resizing, cropping and padding, cutting a window out.

Deterministic primitives; what is random is in `windows` (geometry) and `colours`, and `ssd_vgg_preprocessing` puts
the steps in order. Pictures are `[H, W, 3]` RGB of 0 to 255, `uint8` as decoded or `float32`; boxes keep the project's
contract, `[N, 4] float32 (ymin, xmin, ymax, xmax)` relative to the picture.
"""
from typing import Any

import tf_extended as tfe
from tf_extended.compat import tf

# Mean R, G, B of the pictures that VGG-16 was trained on, as the published SSD checkpoints expect them.
VGG_MEANS = (123.0, 117.0, 104.0)
WIDTH_AXIS = {"NHWC": -2, "NCHW": -1}
WindowCut = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


# Bilinear and bicubic read each pixel several times, and a uint8 would be converted each time: cast first, they take up
# to a quarter less time. The others do not gain by it.
def _bilinear_slim(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.image.resize_bilinear(tf.cast(image, tf.float32), size)


def _nearest(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.cast(tf.image.resize_nearest_neighbor(image, size, half_pixel_centers=True), tf.float32)


def _bilinear(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.image.resize_bilinear(tf.cast(image, tf.float32), size, half_pixel_centers=True)


def _bicubic(image: tf.Tensor, size: Any) -> tf.Tensor:
    resized = tf.image.resize_bicubic(tf.cast(image, tf.float32), size, half_pixel_centers=True)
    return tf.clip_by_value(resized, 0.0, 255.0)


def _area(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.image.resize_area(image, size)


def _lanczos(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.clip_by_value(tf.compat.v2.image.resize(image, size, "lanczos3"), 0.0, 255.0)


# `bilinear_slim` is the documented pipeline's: pixel i of the output looks at i * scale, the corner of the pixel, where
# the others look at its centre: shrunk pictures lie up to half an output pixel further down and right than their boxes.
INTERPOLATIONS = {
    "bilinear_slim": _bilinear_slim, "nearest": _nearest, "bilinear": _bilinear, "bicubic": _bicubic, "area": _area,
    "lanczos": _lanczos,
}


def check_interpolation(name: str) -> None:
    """Raise InputError for a name that is not in INTERPOLATIONS."""
    if name not in INTERPOLATIONS:
        raise tfe.InputError(f"interpolation {name!r}: expected one of {', '.join(INTERPOLATIONS)}")


def resize(image: tf.Tensor, size: Any, interpolation: str = "bilinear_slim") -> tf.Tensor:
    """The picture [H, W, 3] at `size` (height, width), as float32 of 0 to 255; relative boxes stay what they are.

    Raises InputError for an interpolation that is not in INTERPOLATIONS.
    """
    check_interpolation(interpolation)
    return INTERPOLATIONS[interpolation](image[None], size)[0]


def whiten(image: Any) -> tf.Tensor:
    """The picture [..., 3] of 0 to 255 as float32 minus VGG_MEANS, the mean of each channel."""
    return tf.cast(image, tf.float32) - tf.constant(VGG_MEANS)


def unwhiten(image: Any, data_format: str = "NHWC") -> Any:
    """Inverse of `whiten`, and of its layout: [..., 3] (or [..., 3, H, W]) → [..., 3] of 0 to 255, clipped.

    For looking at what the network is given: summaries and drawings. NumPy arrays and tensors.
    """
    xp = tfe.array_namespace(image)
    if data_format == "NCHW":
        rank = len(image.shape)
        image = xp.transpose(image, [*range(rank - 3), rank - 2, rank - 1, rank - 3])
    return xp.minimum(xp.maximum(image + xp.stack(VGG_MEANS), 0.0), 255.0)


def crop_or_pad(image: tf.Tensor, bboxes: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The picture brought to `height` x `width` by cutting off or adding zeros on both sides, and the boxes with it.

    Pixels are not resampled. The boxes [N, 4] may stick out of the result: nothing is clipped.
    """
    target = tf.constant([height, width])
    size = tf.shape(image)[:2]
    offset = tf.maximum((size - target) // 2, 0) - tf.maximum((target - size) // 2, 0)
    size, offset, target = (tf.tile(tf.cast(pair, bboxes.dtype), [2]) for pair in (size, offset, target))
    return tf.image.resize_image_with_crop_or_pad(image, height, width), (bboxes * size - offset) / target


def cut_window(image: tf.Tensor | tfe.EncodedImage, window: tf.Tensor, out_shape: tuple[int, int]) -> WindowCut:
    """What a relative `window` [4] shows of the picture, and where it goes in an output of `out_shape`.

    The window may stick out of the picture (zoom-out), so what it shows is cut before anything is computed from it and
    an enlarged canvas never exists. Returns
    - the visible part of the picture, in its own pixels [h, w, 3], at least one;
    - its place in the output, [4] int32 (ymin, xmin, ymax, xmax) in output pixels: it is to be resized to that;
    - the frame [4] of the output in coordinates of the picture. Both the cut and the place are rounded to pixels;
      the frame is what they really are, so boxes resized to the frame lie exactly where their pixels do.
    """
    size = tfe.image_size(image)
    out = tf.constant(out_shape)
    corners = tf.cast(tf.round(tf.reshape(window, [2, 2]) * tf.cast(size, tf.float32)), tf.int32)
    start, stop = corners[0], tf.maximum(corners[1], corners[0] + 1)
    # A window that misses the picture (only one without objects can) shows its nearest pixels.
    first = tf.clip_by_value(start, 0, size - 1)
    last = tf.clip_by_value(stop, first + 1, size)
    visible = tfe.image_part(image, first, last - first)

    scale = tf.cast(out, tf.float32) / tf.cast(stop - start, tf.float32)
    place = tf.cast(tf.round(tf.cast(tf.stack([first - start, last - start]), tf.float32) * scale), tf.int32)
    top_left = tf.clip_by_value(place[0], 0, out - 1)
    bottom_right = tf.clip_by_value(place[1], top_left + 1, out)

    step = tf.cast(last - first, tf.float32) / tf.cast(bottom_right - top_left, tf.float32)
    origin = tf.cast(first, tf.float32) - tf.cast(top_left, tf.float32) * step
    frame = tf.concat([origin, origin + tf.cast(out, tf.float32) * step], 0) / tf.cast(tf.tile(size, [2]), tf.float32)
    return visible, tf.concat([top_left, bottom_right], 0), frame


def pad_to(image: tf.Tensor, place: tf.Tensor, out_shape: tuple[int, int]) -> tf.Tensor:
    """A picture of the size of `place` [4] (pixels) put there in one of `out_shape`, with zeros around."""
    margins = tf.stack([place[:2], tf.constant(out_shape) - place[2:]], axis=1)
    return tf.pad(image, tf.pad(margins, [[0, 1], [0, 0]]))


def flip(image: tf.Tensor, bboxes: tf.Tensor, axis: int, data_format: str = "NHWC") -> tuple[tf.Tensor, tf.Tensor]:
    """The picture and its boxes [N, 4] mirrored top to bottom (axis 0) or left to right (axis 1); its own inverse."""
    return tf.reverse(image, [WIDTH_AXIS[data_format] - 1 + axis]), tfe.bboxes_flip(bboxes, axis)


def rotate(image: tf.Tensor, bboxes: tf.Tensor, angle: tf.Tensor, aspect: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The picture [H, W, 3] float32 turned clockwise about its centre by `angle` radians, and its boxes [N, 4] with it.

    `aspect` is height over width of what the picture shows: where it was made square, what is round in it is not, and
    a circle is turned into the same. Corners that nothing comes to are zeros, what leaves the picture is lost; boxes
    are `tfe.bboxes_rotate`'s, right for what is round.
    """
    height, width = image.get_shape().as_list()[:2]
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Where each pixel of the output comes from, (x, y) about the centre; the picture's own y is `stretch` times as far.
    stretch = aspect * width / height
    (xx, xy), (yx, yy) = (cosine, sine * stretch), (-sine / stretch, cosine)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    transform = [xx, xy, cx - xx * cx - xy * cy, yx, yy, cy - yx * cx - yy * cy, 0.0, 0.0]
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None], transforms=[transform], output_shape=[height, width], fill_value=0.0,
        interpolation="BILINEAR", fill_mode="CONSTANT")[0]
    return tf.ensure_shape(turned, [height, width, 3]), tfe.bboxes_rotate(bboxes, angle, aspect)
