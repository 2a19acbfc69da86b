"""From a decoded picture with its boxes to what an SSD network is given, in training and in evaluation.

Training: 1. zoom out and crop: one window of the picture; 2. resize what it shows; 3. distort its colours; 4. whiten,
fill the rest with the mean colour; 5. clip the boxes that stay; 6. turn and mirror. The crop comes first, so that
everything after it touches only the pixels that will be used. Evaluation: bring the picture to the network's size in
one of four ways, whiten, and tell where the picture went. Batching is not this module's job.

Pieces: `augmentation` (recipes), `windows`, `colours`, `tf_image`. Liu et al. 2016, sections 2.2 and 3.6.
"""
import enum
import math
from typing import Any

import tf_extended as tfe
from preprocessing import colours, tf_image, windows
from preprocessing.augmentation import SLIM, Augmentation
from tf_extended.compat import tf


class Resize(enum.IntEnum):
    """How evaluation brings a picture to the network's size (values as the flag `--eval_resize` takes them)."""

    NONE = 1
    CENTRAL_CROP = 2
    PAD_AND_RESIZE = 3
    WARP_RESIZE = 4


def preprocess_for_train(
        image: tf.Tensor | tfe.EncodedImage, labels: tf.Tensor, bboxes: tf.Tensor, out_shape: tuple[int, int],
        data_format: str = "NHWC", scope: str = "ssd_preprocessing_train", augmentation: Augmentation = SLIM,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One randomly augmented training sample.

    image [H, W, 3] RGB of 0 to 255, uint8 or float32, or an EncodedImage, of which only the window is decoded; labels
    [N]; bboxes [N, 4] float, which may be none, and are clipped to the picture first. Returns the whitened picture,
    float32 [*out_shape, 3] or with NCHW [3, *out_shape], and the labels and boxes (float32) of the objects that are
    still there: clipped to the picture, none of them empty. All randomness follows `tf.set_random_seed`. Raises
    ValueError for another rank or layout.
    """
    out_shape = _checked_shape(out_shape)
    with tf.name_scope(scope, "ssd_preprocessing_train", [labels, bboxes]):
        image = _checked_image(image, data_format)
        labels = tf.ensure_shape(labels, [None])
        bboxes = tf.ensure_shape(tf.cast(bboxes, tf.float32), [None, 4])
        bboxes = tf.clip_by_value(bboxes, 0.0, 1.0)  # those outside, to its border
        size = tfe.image_size(image)
        window = _draw_window(size, bboxes, augmentation)
        visible, place, frame = tf_image.cut_window(image, window, out_shape)
        visible_size = place[2:] - place[:2] if augmentation.zoom_out > 0.0 else out_shape
        image = _resize_randomly(visible, visible_size, augmentation.interpolation)
        image = colours.distort(image, augmentation.colours, math.prod(out_shape), tf_image.VGG_MEANS)
        if augmentation.zoom_out > 0.0:
            image = tf_image.pad_to(image, place, out_shape)
        image = tf.ensure_shape(image, [*out_shape, 3])

        bboxes = tfe.bboxes_resize(frame, bboxes)
        if augmentation.crop is not None:
            labels, bboxes = augmentation.crop.keep(labels, bboxes)
        labels, bboxes = _clip_and_drop_empty(labels, bboxes)
        image, labels, bboxes = _maybe_rotate(augmentation.rotation, image, labels, bboxes, frame, size)
        if data_format == "NCHW":
            image = tf.transpose(image, [2, 0, 1])
        image, bboxes = _maybe_flip(augmentation.flip, image, bboxes, 1, data_format)
        image, bboxes = _maybe_flip(augmentation.vertical_flip, image, bboxes, 0, data_format)
        return image, labels, bboxes


def _maybe_rotate(probability: float, image: tf.Tensor, labels: tf.Tensor, bboxes: tf.Tensor,
                  frame: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`tf_image.rotate` by any angle with that probability; objects whose centre leaves the picture go.

    The picture shows the `frame` [4] of one of `size` [2] (height, width) pixels.
    """
    if probability <= 0.0:
        return image, labels, bboxes
    shown = tf.cast(size, tf.float32) * (frame[2:] - frame[:2])
    chance, turn = tf.unstack(tf.random.uniform([2]))

    def rotated() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        turned, moved = tf_image.rotate(image, bboxes, 2 * math.pi * turn, shown[0] / shown[1])
        return turned, *_clip_and_drop_empty(*tfe.bboxes_filter_center(labels, moved))

    return tf.cond(chance < probability, rotated, lambda: (image, labels, bboxes))


def _maybe_flip(probability: float, image: tf.Tensor, bboxes: tf.Tensor, axis: int,
                data_format: str) -> tuple[tf.Tensor, tf.Tensor]:
    """`tf_image.flip` of picture and boxes with that probability."""
    if probability <= 0.0:
        return image, bboxes
    return tf.cond(tf.random.uniform([]) < probability, lambda: tf_image.flip(image, bboxes, axis, data_format),
                   lambda: (image, bboxes))


def _draw_window(size: tf.Tensor, bboxes: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """The window [4] that zoom-out and crop of the recipe leave, relative to the picture of `size` pixels."""
    window = tf.constant(windows.WHOLE)
    if augmentation.zoom_out > 0.0:
        window = windows.zoom_out_window(augmentation.zoom_out, augmentation.zoom_out_max)
        size = tf.cast(tf.round(tf.cast(size, tf.float32) * (window[2:] - window[:2])), tf.int32)
        bboxes = tfe.bboxes_clip(windows.WHOLE, tfe.bboxes_resize(window, bboxes))
    if augmentation.crop is not None:
        window = windows.compose(window, augmentation.crop.sample(bboxes, size))
    return window


def _resize_randomly(image: tf.Tensor, size: tf.Tensor, interpolations: tuple[str, ...]) -> tf.Tensor:
    """The picture at `size`, by one of the interpolations drawn at random."""
    if len(interpolations) == 1:
        return tf_image.resize(image, size, interpolations[0])
    index = tf.random.uniform([], maxval=len(interpolations), dtype=tf.int32)
    return tf.switch_case(index, [lambda name=name: tf_image.resize(image, size, name) for name in interpolations])


def _clip_and_drop_empty(labels: tf.Tensor, bboxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Boxes within the picture; those without an area go, because their logarithm would spoil the loss."""
    bboxes = tfe.bboxes_clip(windows.WHOLE, bboxes)
    alive = (bboxes[:, 2] > bboxes[:, 0]) & (bboxes[:, 3] > bboxes[:, 1])
    return tf.boolean_mask(labels, alive), tf.boolean_mask(bboxes, alive)


def preprocess_for_eval(
        image: tf.Tensor, labels: tf.Tensor | None, bboxes: tf.Tensor | None,
        out_shape: tuple[int, int] = (300, 300), data_format: str = "NHWC", difficults: tf.Tensor | None = None,
        resize: Resize = Resize.WARP_RESIZE, scope: str = "ssd_preprocessing_eval",
        interpolation: str = "bilinear_slim",
) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor, tf.Tensor]:
    """A picture for evaluation or detection, without anything random.

    image [H, W, 3] RGB of 0 to 255; labels [N] and bboxes [N, 4], or None for a picture without ground truth. Where
    `difficults` [N] is given, the objects marked in it are left out. `resize` decides how the picture comes to
    `out_shape`: NONE keeps its own size; CENTRAL_CROP cuts or pads without resampling; PAD_AND_RESIZE shrinks it
    until it fits (never enlarges it) and pads with the mean colour; WARP_RESIZE changes its aspect ratio.
    `interpolation` is one of `tf_image.INTERPOLATIONS`: the documented one lies a part of a pixel off, so a net trained
    by a recipe that looks at the centres of pixels (PAPER) is better evaluated with `bilinear`.

    Returns the whitened float32 picture, labels, boxes relative to it (they may stick out after a crop) and `bbox_img`
    [4], the whole original picture in the same coordinates: `tfe.bboxes_resize(bbox_img, detections)` gives boxes
    relative to the original. Raises InputError for another `resize` or `interpolation`, ValueError for another rank or
    layout.
    """
    resize = _checked_resize(resize)
    tf_image.check_interpolation(interpolation)
    height, width = out_shape = _checked_shape(out_shape)
    with tf.name_scope(scope, "ssd_preprocessing_eval", [image, labels, bboxes]):
        image = _checked_image(image, data_format)
        boxes = tf.constant([windows.WHOLE])
        if bboxes is not None:
            boxes = tf.concat([boxes, tf.cast(bboxes, tf.float32)], 0)
        if resize == Resize.WARP_RESIZE:
            image = tf_image.resize(image, out_shape, interpolation)
        elif resize == Resize.PAD_AND_RESIZE:
            image = tf_image.resize(image, _fitting_size(tf.shape(image)[:2], out_shape), interpolation)
        image = tf_image.whiten(image)
        if resize in (Resize.CENTRAL_CROP, Resize.PAD_AND_RESIZE):
            image, boxes = tf_image.crop_or_pad(image, boxes, height, width)
        bbox_img, bboxes = boxes[0], boxes[1:]
        if difficults is not None:
            easy = tf.logical_not(tf.cast(difficults, tf.bool))
            labels, bboxes = tf.boolean_mask(labels, easy), tf.boolean_mask(bboxes, easy)
        if data_format == "NCHW":
            image = tf.transpose(image, [2, 0, 1])
        return image, labels, bboxes, bbox_img


def _fitting_size(size: tf.Tensor, out_shape: tuple[int, int]) -> tf.Tensor:
    """The size [2] int32 of the picture's aspect ratio that fills `out_shape`, rounded down, at most the picture's."""
    size = tf.cast(size, tf.float64)
    factor = tf.minimum(tf.reduce_min(tf.constant(out_shape, tf.float64) / size), 1.0)
    return tf.maximum(tf.cast(tf.floor(size * factor), tf.int32), 1)


def preprocess_image(
        image: tf.Tensor, labels: tf.Tensor | None, bboxes: tf.Tensor | None, out_shape: tuple[int, int],
        data_format: str = "NHWC", is_training: bool = False, **kwargs: Any,
) -> tuple:
    """`preprocess_for_train` or `preprocess_for_eval`, which take `kwargs` and say what comes back."""
    function = preprocess_for_train if is_training else preprocess_for_eval
    return function(image, labels, bboxes, out_shape, data_format, **kwargs)


def _checked_shape(out_shape: tuple[int, int]) -> tuple[int, int]:
    height, width = (int(side) for side in out_shape)
    if height < 1 or width < 1:
        raise ValueError(f"out_shape {tuple(out_shape)}: expected (height, width) of at least one pixel")
    return height, width


def _checked_image(image: tf.Tensor | tfe.EncodedImage, data_format: str) -> tf.Tensor | tfe.EncodedImage:
    """A decoded picture with its static shape [?, ?, 3], in a type that every resizing takes; or an encoded one."""
    if data_format not in tf_image.WIDTH_AXIS:
        raise ValueError(f"data_format {data_format!r}: expected NHWC or NCHW")
    if isinstance(image, tfe.EncodedImage):
        return image
    image = tf.convert_to_tensor(image)
    if image.get_shape().ndims not in (None, 3):
        raise ValueError(f"image of shape {image.get_shape()}: expected [height, width, 3]")
    image = tf.ensure_shape(image, [None, None, 3])
    return image if image.dtype == tf.uint8 else tf.cast(image, tf.float32)


def _checked_resize(resize: int) -> Resize:
    try:
        return Resize(resize)
    except ValueError:
        names = ", ".join(f"{mode.value} ({mode.name})" for mode in Resize)
        raise tfe.InputError(f"resize {resize!r}: expected one of {names}") from None
