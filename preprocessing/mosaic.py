"""Several pictures joined to one, so that a net sees more objects beside each other, and smaller ones.

Not in the SSD paper: Bochkovskiy et al. 2020 (YOLOv4, arXiv 2004.10934, section 3.3, "Mosaic"). Where every picture has
one large object in its middle, a few hundred of them teach a net that there is one large object in the middle.

A joined picture then goes through the same augmentation as any other. Reading the others is not this module's job.
"""
from collections.abc import Callable, Sequence

from tf_extended.compat import tf

# Rows and columns of pictures; one layout is drawn for each joined picture. The first picture takes part in all.
LAYOUTS = ((1, 2), (2, 2))
PARTNERS = max(rows * columns for rows, columns in LAYOUTS) - 1
# Pixels of a joined picture's sides, about those of a photograph: nothing is lost that the net could see.
SIDE = 640
Sample = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def maybe_join(probability: float, sample: Sample, partners: Sequence[Callable[[], Sample]]) -> Sample:
    """With that probability the sample joined with `partners`, of which as many are called as are needed; else itself.

    A sample is an image [H, W, 3] uint8, labels [N] and boxes [N, 4] relative to it, in order of pictures afterwards.
    """
    def branch(rows: int, columns: int) -> Callable[[], Sample]:
        return lambda: join([sample, *(partner() for partner in partners[:rows * columns - 1])], rows, columns)

    image, labels, bboxes = sample
    if probability > 0.0:
        joined = tf.random.uniform([]) < probability
        layout = tf.where(joined, tf.random.uniform([], 1, len(LAYOUTS) + 1, tf.int32), 0)
        image, labels, bboxes = tf.switch_case(layout, [lambda: sample, *(branch(*shape) for shape in LAYOUTS)])
    return tf.ensure_shape(image, [None, None, 3]), tf.ensure_shape(labels, [None]), tf.ensure_shape(bboxes, [None, 4])


def join(samples: Sequence[Sample], rows: int, columns: int, side: int = SIDE) -> Sample:
    """rows * columns samples as one of `side` x `side` pixels, row by row; each is resized to its place, whatever its
    aspect ratio. Boxes that stick out are clipped, or they would reach into the neighbour."""
    size = (side // rows, side // columns)
    tiles = [tf.cast(tf.image.resize_area(image[None], size)[0] + 0.5, tf.uint8) for image, _, _ in samples]
    image = tf.concat([tf.concat(tiles[row * columns:(row + 1) * columns], 1) for row in range(rows)], 0)
    places = [divmod(index, columns) for index in range(rows * columns)]
    bboxes = tf.concat([
        (tf.clip_by_value(boxes, 0.0, 1.0) + tf.constant([row, column] * 2, tf.float32))
        / tf.constant([rows, columns] * 2, tf.float32)
        for (_, _, boxes), (row, column) in zip(samples, places, strict=True)], 0)
    return image, tf.concat([labels for _, labels, _ in samples], 0), bboxes
