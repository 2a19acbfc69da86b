"""Detect in pictures that belong to no data set: arrays in, labels, scores and boxes out.

Its job: a graph that is fed, a session with the checkpoint restored, batches. Reading files and drawing are the
caller's. Evaluating a data set, which reads its own shards, is `evaluator`'s.
"""
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tf_extended.compat import tf
from tf_extended.console import RunError
from tf_extended.evaluation import restoring
from tf_extended.evaluation.detecting import in_picture
from tf_extended.evaluation.detection_graph import Selection, detect_in


class Found(NamedTuple):
    """A picture's detections, best first: labels int64 [N], scores float32 [N], bboxes float32 [N, 4], relative to the
    picture."""

    labels: np.ndarray
    scores: np.ndarray
    bboxes: np.ndarray


def detect_in_pictures(
    pictures: Iterable[np.ndarray], checkpoint: str, preprocess: Callable, net: Any, selection: Selection, *,
    batch_size: int = 1, moving_average_decay: float | None = None, session_config: tf.ConfigProto | None = None,
    **preprocess_options: Any,
) -> Iterator[tuple[np.ndarray, Found]]:
    """Yield each of `pictures`, uint8 RGB [H, W, 3] of any size, which are taken a batch at a time, and what is found.

    preprocess, net, selection, preprocess_options: as for `build_detection_graph`. Raises InputError where the
    checkpoint does not fit the net, CheckpointGoneError where it cannot be read, RunError for a picture that is not
    resized and has not the network's size.
    """
    with tf.Graph().as_default() as graph:
        picture = tf.placeholder(tf.uint8, [None, None, 3])
        with tf.device("/cpu:0"):
            prepared, _, _, frame = preprocess(picture, None, None, tuple(net.params.img_shape), **preprocess_options)
        images = tf.placeholder(tf.float32, [None, *net.params.img_shape, 3])
        _, scores, bboxes, labels = detect_in(images, net, selection)
        saver = tf.train.Saver(restoring.find_variables(checkpoint, tf.global_variables(), moving_average_decay))
    with tf.Session(graph=graph, config=session_config) as session:
        restoring.restore(session, saver, checkpoint)
        waiting = iter(pictures)
        while batch := list(itertools.islice(waiting, batch_size)):
            ready = [session.run([prepared, frame], {picture: pixels}) for pixels in batch]
            if other := [image.shape[:2] for image, _ in ready if image.shape[:2] != tuple(net.params.img_shape)]:
                raise RunError(f"a picture has {other[0]} pixels, the network wants {tuple(net.params.img_shape)}.\n"
                               "Without resizing every picture must have that size: choose another --eval_resize.")
            found = session.run([scores, bboxes], {images: np.stack([image for image, _ in ready])})
            for pixels, (_, place), *row in zip(batch, ready, *found, strict=True):
                yield pixels, _best_first(Found(*in_picture(*row, labels, place)))


def _best_first(found: Found) -> Found:
    order = np.argsort(-found.scores, kind="stable")
    return Found(*(column[order] for column in found))
