"""A set of pictures of one bright rectangle each, and a `net` that finds it by looking at the pixels.

So the right answer of every picture is known, whatever way it went through the pipeline, and no weights are needed.
"""
import functools
from types import SimpleNamespace

import cv2
import numpy as np

from datasets import dataset_factory, split_files
from datasets.tfrecord_format import make_example
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tf_extended.compat import tf
from tf_extended.evaluation.detection_graph import Selection, build_detection_graph

SIZE = 96
LABELS = ("box", "ball")
# (height, width) of a picture; (ymin, xmin, ymax, xmax) of its rectangle, 1-based inclusive pixels, None for none.
PICTURES = [
    ((60, 80), (11, 21, 40, 60)), ((80, 60), (21, 11, 60, 40)), ((96, 96), (1, 1, 96, 48)), ((50, 50), None),
    ((48, 90), (9, 31, 40, 70)), ((64, 64), (17, 17, 48, 48)), ((90, 48), (31, 9, 70, 40)),
    ((120, 130), (31, 41, 70, 80)),
]


def write_shards(folder, pictures=PICTURES, family="rect", with_ids=True, difficult=(), num_samples=None):
    """A split `test`, two pictures a shard; `difficult`: numbers of the pictures whose object is difficult."""
    examples = [_example(number, size, box, number in difficult, with_ids)
                for number, (size, box) in enumerate(pictures)]
    for first in range(0, len(examples), 2):
        path = folder / split_files.shard_name(f"{family}_test", first // 2)
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in examples[first:first + 2]:
                writer.write(example.SerializeToString())
    objects = sum(box is not None for _, box in pictures)
    description = split_files.describe_split(f"{family}_test", LABELS, num_samples or len(pictures), {"box": objects},
                                             {"box": len(difficult)}, "test")
    split_files.save_split(folder / split_files.description_name(f"{family}_test"), description)
    return folder


def _example(number, size, box, difficult, with_ids):
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    boxes = []
    if box is not None:
        image[box[0] - 1:box[2], box[1] - 1:box[3]] = 255
        boxes = [np.array(box) / [height, width, height, width]]
    encoded = cv2.imencode(".png", image)[1].tobytes()
    count = len(boxes)
    return make_example(encoded, "PNG", height, width, f"picture {number}" if with_ids else "", boxes, [1] * count,
                        ["box"] * count, [int(difficult)] * count, [0] * count)


class RectangleNet:
    """Like an SSDNet: one anchor, which says `box` at the place of the bright pixels, with a learnt probability."""

    params = SimpleNamespace(img_shape=(SIZE, SIZE), num_classes=3)

    def arg_scope(self):
        return {}

    def net(self, images, is_training):
        assert not is_training
        sure = tf.get_variable("net/sure", [], initializer=tf.constant_initializer(0.9))
        bright = tf.cast(tf.reduce_min(images, -1) > 50, tf.float32)
        sides = []
        for axis in (2, 1):
            there = tf.reduce_max(bright, axis)
            first = tf.cast(tf.argmax(there, 1), tf.float32)
            sides += [first / SIZE, (first + tf.reduce_sum(there, 1)) / SIZE]
        boxes = tf.stack([sides[0], sides[2], sides[1], sides[3]], -1)
        box_score = sure * tf.reduce_max(bright, [1, 2])
        ball_score = 0.2 * sure * tf.ones_like(box_score)
        scores = tf.stack([1 - box_score, box_score, ball_score], -1)
        return [scores[:, None]], [boxes[:, None]], None, None

    def anchors(self, img_shape):
        return img_shape

    def bboxes_decode(self, localisations, anchors):
        assert anchors == (SIZE, SIZE)
        return localisations

    def detected_bboxes(self, predictions, localisations, select_threshold, nms_threshold, top_k, keep_top_k, keep_per):
        assert nms_threshold < 1 <= min(top_k, keep_top_k)
        assert keep_per == "class"
        scores = {c: tf.where(predictions[0][..., c] > select_threshold, predictions[0][..., c],
                              tf.zeros_like(predictions[0][..., c])) for c in (1, 2)}
        return scores, dict.fromkeys((1, 2), localisations[0])


def open_set(folder, family="rect"):
    return dataset_factory.get_dataset(family, "test", str(folder))


def graph_maker(dataset, resize=Resize.WARP_RESIZE, test_flips="none", **options):
    """A function that builds the detection graph, as `Evaluator` wants it."""
    preprocess = preprocessing_factory.get_preprocessing("ssd_300_vgg", is_training=False)
    return functools.partial(build_detection_graph, dataset, preprocess, RectangleNet(),
                             Selection(test_flips=test_flips), resize=resize, **options)


def save_checkpoint(prefix, sure=0.9, step=7, average=None, dtype=tf.float32):
    """A checkpoint of RectangleNet; with `average`, of a training with moving averages."""
    with tf.Graph().as_default(), tf.Session() as session:
        values = [tf.Variable(sure, name="net/sure", dtype=dtype), tf.Variable(step, name="global_step")]
        if average is not None:
            values.append(tf.Variable(average, name="net/sure/ExponentialMovingAverage", dtype=tf.float32))
        session.run(tf.variables_initializer(values))
        return tf.train.Saver(values).save(session, str(prefix), write_meta_graph=False)
