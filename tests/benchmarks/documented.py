"""The documented pipeline, written as its description reads: TensorFlow's image ops one after the other, and a loop
over the objects for each feature layer. The peer of `input_pipeline` and `encoding`; not for training.
"""
from collections.abc import Sequence

import numpy as np

import tf_extended as tfe
from nets.anchors import LayerAnchors
from preprocessing.tf_image import VGG_MEANS
from tf_extended.compat import tf

SCALING = (0.1, 0.1, 0.2, 0.2)


def encode(labels: tf.Tensor, bboxes: tf.Tensor, anchors: Sequence[LayerAnchors], num_classes: int) -> tuple:
    """The targets of one image: lists over the layers of classes, localisations, scores."""
    layers = [encode_layer(labels, bboxes, layer, num_classes) for layer in anchors]
    return tuple(list(part) for part in zip(*layers, strict=True))


def encode_layer(labels: tf.Tensor, bboxes: tf.Tensor, anchors: LayerAnchors, num_classes: int) -> tuple:
    """The targets of one layer: a loop over the objects, each of which takes the anchors that it overlaps most."""
    y, x, h, w = anchors
    shape = (*y.shape[:2], len(h))
    low_y, low_x, high_y, high_x = y - h / 2.0, x - w / 2.0, y + h / 2.0, x + w / 2.0
    areas = (high_x - low_x) * (high_y - low_y)

    def take(i, classes, scores, sides):
        box = bboxes[i]
        height = tf.maximum(tf.minimum(high_y, box[2]) - tf.maximum(low_y, box[0]), 0.0)
        width = tf.maximum(tf.minimum(high_x, box[3]) - tf.maximum(low_x, box[1]), 0.0)
        common = height * width
        overlap = common / (areas - common + (box[2] - box[0]) * (box[3] - box[1]))
        better = (overlap > scores) & (labels[i] < num_classes)
        sides = [tf.where(better, tf.fill(shape, box[side]), old) for side, old in enumerate(sides)]
        return i + 1, tf.where(better, tf.fill(shape, labels[i]), classes), tf.where(better, overlap, scores), sides

    start = [tf.zeros(shape), tf.zeros(shape), tf.ones(shape), tf.ones(shape)]
    _, classes, scores, sides = tf.while_loop(
        lambda i, *_: i < tf.shape(labels)[0], take, [0, tf.zeros(shape, tf.int64), tf.zeros(shape), start],
        back_prop=False)
    ymin, xmin, ymax, xmax = sides
    offsets = [((xmax + xmin) / 2.0 - x) / w / SCALING[0], ((ymax + ymin) / 2.0 - y) / h / SCALING[1],
               tf.log((xmax - xmin) / w) / SCALING[2], tf.log((ymax - ymin) / h) / SCALING[3]]
    return classes, tf.stack(offsets, axis=-1), scores


def preprocess(image: tf.Tensor, labels: tf.Tensor, bboxes: tf.Tensor, out_shape: tuple[int, int]) -> tuple:
    """A training sample: float picture, distorted crop, bilinear resize, flip, colours in one of four orders, means."""
    image = tf.image.convert_image_dtype(image, tf.float32)
    begin, size, window = tf.image.sample_distorted_bounding_box(
        tf.shape(image), bboxes[None], min_object_covered=0.25, aspect_ratio_range=(0.6, 1.67), area_range=(0.1, 1.0),
        max_attempts=200, use_image_if_no_bounding_boxes=True)
    image = tf.image.resize_bilinear(tf.slice(image, begin, size)[None], out_shape)[0]
    bboxes = tfe.bboxes_resize(window[0, 0], bboxes)
    labels, bboxes = tfe.bboxes_filter_overlap(labels, bboxes, 0.5)
    bboxes = tfe.bboxes_clip((0.0, 0.0, 1.0, 1.0), bboxes)
    mirrored = tf.stack([bboxes[:, 0], 1.0 - bboxes[:, 3], bboxes[:, 2], 1.0 - bboxes[:, 1]], axis=1)
    flip = tf.random.uniform([]) < 0.5
    image = tf.cond(flip, lambda: tf.reverse(image, [1]), lambda: image)
    image = distort_colours(image)
    return image * 255.0 - tf.constant(np.float32(VGG_MEANS)), labels, tf.cond(flip, lambda: mirrored, lambda: bboxes)


def distort_colours(image: tf.Tensor) -> tf.Tensor:
    """Brightness, saturation, hue and contrast in one of four orders, the picture within 0 to 1 afterwards."""
    steps = {
        "b": lambda picture: tf.image.random_brightness(picture, 32.0 / 255.0),
        "s": lambda picture: tf.image.random_saturation(picture, 0.5, 1.5),
        "h": lambda picture: tf.image.random_hue(picture, 0.2),
        "c": lambda picture: tf.image.random_contrast(picture, 0.5, 1.5),
    }

    def branch(order):
        picture = image
        for step in order:
            picture = steps[step](picture)
        return picture

    branches = [lambda order=order: branch(order) for order in ("bshc", "sbch", "chbs", "hscb")]
    return tf.clip_by_value(tf.switch_case(tf.random.uniform([], maxval=4, dtype=tf.int32), branches), 0.0, 1.0)
