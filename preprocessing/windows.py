"""Which part of a picture a training sample shows: zoom-out and the two random crops.

Everything here is boxes; no pixel is touched (`tf_image.cut_window` does that). A window is `[4] float32 (ymin, xmin,
ymax, xmax)` relative to what it is cut from. Liu et al. 2016: section 2.2, "Data augmentation" (the patches), and
section 3.6, "Data augmentation for small object accuracy" (the zoom-out).

A crop has two methods: `sample(bboxes, size)` gives the window, `keep(labels, bboxes)` the objects that stay, of
boxes already resized to the window.
"""
from dataclasses import dataclass

import tf_extended as tfe
from tf_extended.compat import tf

WHOLE = (0.0, 0.0, 1.0, 1.0)


def zoom_out_window(probability: float, max_ratio: float) -> tf.Tensor:
    """With `probability`, a window of 1 to `max_ratio` times the picture that holds it somewhere; else WHOLE."""
    chance, size, y, x = tf.unstack(tf.random.uniform([4]))
    margin = tf.where(chance < probability, size * (max_ratio - 1.0), 0.0)
    ymin, xmin = -y * margin, -x * margin
    return tf.stack([ymin, xmin, ymin + 1.0 + margin, xmin + 1.0 + margin])


def compose(outer: tf.Tensor, inner: tf.Tensor) -> tf.Tensor:
    """The window `inner`, given relative to the window `outer`, relative to what `outer` is cut from."""
    origin, size = outer[:2], outer[2:] - outer[:2]
    return tf.concat([origin + inner[:2] * size, origin + inner[2:] * size], 0)


@dataclass(frozen=True)
class DistortedCrop:
    """The documented pipeline's crop: TensorFlow's distorted bounding box. An object stays when enough of it does."""

    min_object_covered: float = 0.25
    aspect_ratio_range: tuple[float, float] = (0.6, 1.67)
    area_range: tuple[float, float] = (0.1, 1.0)
    max_attempts: int = 200
    min_overlap: float = 0.5

    def sample(self, bboxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """A window of a picture of `size` [2] (height, width) pixels; the whole picture if no attempt fits."""
        # TensorFlow's function would not take part in the graph-level seed by itself.
        seed, seed2 = tf.get_seed(None)
        _, _, window = tf.image.sample_distorted_bounding_box(
            tf.concat([size, [3]], 0), bboxes[None], seed=seed, seed2=seed2,
            min_object_covered=self.min_object_covered, aspect_ratio_range=self.aspect_ratio_range,
            area_range=self.area_range, max_attempts=self.max_attempts, use_image_if_no_bounding_boxes=True)
        return window[0, 0]

    def keep(self, labels: tf.Tensor, bboxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The objects of which at least `min_overlap` lies in the window."""
        return tfe.bboxes_filter_overlap(labels, bboxes, self.min_overlap)

    def __str__(self) -> str:
        return f"crop covering >= {self.min_object_covered:g} of an object (kept when {self.min_overlap:g} stays)"


@dataclass(frozen=True)
class PatchCrop:
    """The paper's patches: the whole picture, or a patch with a given least IoU with an object, or any patch.

    A kind is drawn among those for which one of `trials` random patches fits, as Caffe's SSD does; the kinds share
    their trials here, which changes no kind's own distribution. `scale` is the square root of the patch's share of the
    area (Caffe's numbers; the paper says a size of .1 to 1): its height is that over, its width that times the root of
    the aspect ratio, which is relative to the picture's own. An object stays when its centre is in the patch, and a
    patch of a picture that has objects keeps at least one: without any, nothing would be learned from the sample.
    """

    min_ious: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)
    scale: tuple[float, float] = (0.3, 1.0)
    aspect: tuple[float, float] = (0.5, 2.0)
    trials: int = 50

    def sample(self, bboxes: tf.Tensor, _size: tf.Tensor) -> tf.Tensor:
        """A window; of all trials at once, [trials] x [N] overlaps instead of a loop."""
        patches = self.draw_patches()
        fits = self.fitting(patches, bboxes)
        chance = tf.random.uniform([len(self.min_ious) + 1])
        possible = tf.concat([[True], tf.reduce_any(fits, axis=1)], 0)
        kind = tf.argmax(tf.where(possible, chance, tf.fill(tf.shape(chance), -1.0)))
        first = tf.argmax(tf.cast(fits, tf.int32), axis=1)
        choices = tf.concat([tf.constant([WHOLE]), tf.gather(patches, first)], 0)
        return choices[kind]

    def draw_patches(self) -> tf.Tensor:
        """[trials, 4] random patches inside the unit square."""
        size, ratio, y, x = tf.unstack(tf.random.uniform([4, self.trials]))
        scale = self.scale[0] + size * (self.scale[1] - self.scale[0])
        least = tf.maximum(self.aspect[0], scale * scale)
        most = tf.minimum(self.aspect[1], 1.0 / (scale * scale))
        root = tf.sqrt(least + ratio * (most - least))
        height, width = tf.minimum(scale / root, 1.0), tf.minimum(scale * root, 1.0)
        ymin, xmin = y * (1.0 - height), x * (1.0 - width)
        return tf.stack([ymin, xmin, ymin + height, xmin + width], axis=1)

    def fitting(self, patches: tf.Tensor, bboxes: tf.Tensor) -> tf.Tensor:
        """[kinds, trials] bool: which of `patches` [trials, 4] are of which kind, for the objects [N, 4]."""
        overlap = tfe.pairwise_jaccard(patches, bboxes)
        # Without an object the largest overlap is 0, which only an unconstrained patch accepts.
        largest = tf.maximum(tf.reduce_max(overlap, axis=1), 0.0)
        cy, cx = (bboxes[:, 0] + bboxes[:, 2]) / 2.0, (bboxes[:, 1] + bboxes[:, 3]) / 2.0
        ymin, xmin, ymax, xmax = (side[:, None] for side in tf.unstack(patches, num=4, axis=1))
        inside = (cy > ymin) & (cx > xmin) & (cy < ymax) & (cx < xmax)
        useful = tf.reduce_any(inside, axis=1) | tf.equal(tf.shape(bboxes)[0], 0)
        return (largest >= tf.constant(self.min_ious)[:, None]) & useful

    def keep(self, labels: tf.Tensor, bboxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The objects whose centre lies in the window."""
        return tfe.bboxes_filter_center(labels, bboxes)

    def __str__(self) -> str:
        ious = ", ".join(f"{iou:g}" for iou in self.min_ious)
        return f"crop whole or IoU >= {ious}, size from {self.scale[0]:g} (kept when the centre stays)"
