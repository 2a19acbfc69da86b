"""Run a detection graph over a whole data set: every image exactly once, whatever the batch size.

Its job: from a session with restored variables to ground truth and detections in VOC pixels, with the time that each
stage took. The graph is `detection_graph`'s job, restoring `restoring`'s, scoring `voc_scoring`'s.
"""
import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_extended.bboxes import bboxes_clip, bboxes_resize
from tf_extended.compat import tf
from tf_extended.console import RunError, first_line, progress
from tf_extended.evaluation.detection_graph import DetectionGraph
from tf_extended.evaluation.records import Detections, GroundTruth, make_detections, make_ground_truth, to_pixels
from tf_extended.sessions import shared_callables


class Detected(NamedTuple):
    """What was found, what there is, and the seconds of the stages input, network and post_processing."""

    detections: Detections
    truth: GroundTruth
    seconds: dict[str, float]


class _Image(NamedTuple):
    """One image: its record's name and id; labels, boxes and difficult flags of its objects, labels, scores and boxes
    of its detections (boxes in VOC pixels)."""

    record: str
    image_id: str
    objects: tuple[np.ndarray, np.ndarray, np.ndarray]
    found: tuple[np.ndarray, np.ndarray, np.ndarray]


def detect(
    session: tf.Session, graph: DetectionGraph, num_images: int, max_images: int | None = None
) -> Detected:
    """Run until the records end, or for the batches that hold the first `max_images`.

    session: with variables restored; the input queues must not have been used in it. num_images: what the data set
    says it has; RunError if the shards hold another number. Images come back in the order of their records.
    """
    seconds = dict.fromkeys(("input", "network", "post_processing"), 0.0)
    expected = num_images if max_images is None else min(max_images, num_images)
    images: list[_Image] = []
    try:
        with shared_callables(), _running_queues(session):
            for image in progress(_images(session, graph, max_images, seconds), expected, "detecting"):
                images.append(image)
    except tf.errors.OpError as error:
        raise RunError(
            f"detecting stopped after {len(images)} of {expected} images: {first_line(error)}\n"
            + ("If a picture is damaged, convert the data set again; without resizing, every picture must have the "
               "network's size." if isinstance(error, tf.errors.InvalidArgumentError) else
               "Look whether the shards are all there, and the memory suffices for --batch_size.")
        ) from error
    if len(images) < expected or (max_images is None and len(images) > num_images):
        folders = ", ".join(sorted({str(Path(_place(image.record)[0]).parent) for image in images}))
        raise RunError(
            f"the shards{f' in {folders}' if folders else ''} hold {len(images)} images, but the data set says "
            f"{num_images}.\nConvert the data set again."
        )
    images.sort(key=lambda image: _place(image.record))
    return _collect(images, seconds)


@contextlib.contextmanager
def _running_queues(session: tf.Session) -> Iterator[None]:
    """Input threads run while inside. What stopped one of them, which the reader only sees as an early end, is raised
    on the way out."""
    # Not local_variables_initializer(), which would add an operation to the graph for every checkpoint.
    session.run([variable.initializer for variable in tf.local_variables()])
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    try:
        yield
    finally:
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=10, ignore_live_threads=True)


def _images(
    session: tf.Session, graph: DetectionGraph, max_images: int | None, seconds: dict[str, float]
) -> Iterator[_Image]:
    got_images = 0
    while max_images is None or got_images < max_images:
        start = time.perf_counter()
        try:
            batch = session.run(graph.batch)
        except tf.errors.OutOfRangeError:
            return
        input_done = time.perf_counter()
        outputs = session.run(graph.outputs, {graph.batch["image"]: batch["image"]})
        network_done = time.perf_counter()
        scores, bboxes = session.run(
            [graph.scores, graph.bboxes], dict(zip(graph.outputs, outputs, strict=True))
        )
        rows = [_one_image(batch, scores, bboxes, graph.labels, i) for i in range(len(scores))]
        done = time.perf_counter()
        times = (start, input_done, network_done, done)
        for stage, (begun, ended) in zip(seconds, itertools.pairwise(times), strict=True):
            seconds[stage] += ended - begun
        got_images += len(rows)
        yield from rows


def _one_image(
    batch: dict[str, np.ndarray], scores: np.ndarray, bboxes: np.ndarray, labels: list[int], i: int
) -> _Image:
    height, width, count = *batch["shape"][i][:2], batch["num_objects"][i]
    objects = (
        batch["labels"][i][:count], to_pixels(batch["bboxes"][i][:count], height, width),
        batch["difficults"][i][:count].astype(bool),
    )
    classes, values, relative = in_picture(scores[i], bboxes[i], labels, batch["bbox_img"][i])
    found = (classes, values, to_pixels(relative, height, width))
    return _Image(batch["record"][i].decode(), batch["image_id"][i].decode(), objects, found)


def in_picture(
    scores: np.ndarray, bboxes: np.ndarray, labels: list[int], bbox_img: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels [N], scores [N] and boxes [N, 4] of an image's detections, the boxes relative to the image, by class.

    scores [C, K] and bboxes [C, K, 4], relative to the network's input, and labels [C] as `DetectionGraph` has them;
    bbox_img [4], where the image lies there. What lies beyond its border, in padding, is not in the image.
    """
    relative = bboxes_clip([0.0, 0.0, 1.0, 1.0], bboxes_resize(bbox_img, bboxes))
    sizes = relative[..., 2:] - relative[..., :2]
    classes, ranks = np.nonzero((scores > 0) & (sizes > 0).all(axis=-1))
    return np.take(labels, classes), scores[classes, ranks], relative[classes, ranks]


def _place(record: str) -> tuple[str, int]:
    """Where a record lies: the reader names it `file:offset`."""
    file, _, offset = record.rpartition(":")
    return file, int(offset)


def _collect(images: list[_Image], seconds: dict[str, float]) -> Detected:
    truth = make_ground_truth((image.image_id, *image.objects) for image in images)
    detections = make_detections((i, *image.found) for i, image in enumerate(images))
    return Detected(detections, truth, seconds)
