"""Evaluate checkpoints one after another with one graph: for the evaluation script, and for a training as it goes.

Its job: a graph of its own, a session for each checkpoint, restoring, detecting, scoring. Building the graph's parts is
the caller's, writing reports is `report`'s.
"""
import re
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_extended.compat import tf
from tf_extended.console import InputError, first_line
from tf_extended.evaluation import restoring
from tf_extended.evaluation.detecting import detect
from tf_extended.evaluation.detection_graph import DetectionGraph
from tf_extended.evaluation.records import Detections, GroundTruth, select_rows
from tf_extended.evaluation.report import Evaluation, evaluate
from tf_extended.evaluation.voc_scoring import VocScores, score


class Evaluator:
    """Evaluates checkpoints of one net on one data set.

    make_graph: builds the `DetectionGraph`; called once, in a new graph. names: label → class name of the data set;
    detections of other labels do not count. num_images: what the data set says it holds. remove_difficult: difficult
    objects neither count nor harm, as in VOC; without it they are ordinary ones. moving_average_decay: restore the
    moving averages. max_images, session_config, master: as in `detecting.detect` and tf.Session.
    """

    def __init__(
        self, make_graph: Callable[[], DetectionGraph], names: Mapping[int, str], num_images: int, *,
        matching_threshold: float = 0.5, remove_difficult: bool = True, moving_average_decay: float | None = None,
        max_images: int | None = None, session_config: tf.ConfigProto | None = None, master: str = "",
    ):
        self.names, self.num_images, self.max_images = names, num_images, max_images
        self.matching_threshold, self.remove_difficult = matching_threshold, remove_difficult
        self.moving_average_decay = moving_average_decay
        self.session_config, self.master = session_config, master
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.detection_graph = make_graph()
            self.variables = tf.global_variables()
        self._saver: tf.train.Saver | None = None

    def check(self, checkpoint: str) -> tf.train.Saver:
        """A saver for this checkpoint. InputError where it does not fit, CheckpointGoneError where it is gone."""
        wanted = restoring.find_variables(checkpoint, self.variables, self.moving_average_decay)
        if self._saver is None:
            with self.graph.as_default():
                self._saver = tf.train.Saver(wanted)
        return self._saver

    def _session(self) -> tf.Session:
        try:
            if server := re.fullmatch(r"grpc://([^/:]+):(\d+)", self.master):  # TensorFlow waits for one for good
                socket.create_connection((server[1], int(server[2])), timeout=10).close()
            return tf.Session(self.master, graph=self.graph, config=self.session_config)
        except (tf.errors.OpError, OSError, OverflowError) as error:
            raise InputError(f"--master={self.master} cannot be connected to: {first_line(error)}. Leave it out to "
                             "compute here, or give a server's address, grpc://HOST:PORT.") from error

    def evaluate(self, checkpoint: str, info: Mapping[str, Any] | None = None) -> Evaluation:
        """Restore, detect, score and analyse. info: what else belongs into the report.

        Raises what `check` raises, and RunError where the data cannot be read.
        """
        detections, truth, facts = self._detect(checkpoint)
        detected = time.perf_counter()
        evaluation = evaluate(detections, truth, self.names, self.matching_threshold, {})
        seconds = {**facts.pop("seconds"), "scoring": time.perf_counter() - detected}
        return evaluation._replace(info={
            **facts, **evaluation.info, **(info or {}),
            "seconds": {stage: round(spent, 3) for stage, spent in seconds.items()},
        })

    def score(self, checkpoint: str) -> tuple[VocScores, int]:
        """`evaluate`, but VOC's figures alone, which take a hundredth of COCO's time; and of how many images they are.
        """
        detections, truth, _ = self._detect(checkpoint)
        return score(detections, truth, self.names, self.matching_threshold), len(truth.image_ids)

    def _detect(self, checkpoint: str) -> tuple[Detections, GroundTruth, dict[str, Any]]:
        """What is found and what is there, of the classes and difficulties that count; facts for the report."""
        start = time.perf_counter()
        saver, step = self.check(checkpoint), restoring.stored_step(checkpoint)
        with self._session() as session:
            restoring.restore(session, saver, checkpoint)
            restored = time.perf_counter()
            detections, truth, seconds = detect(session, self.detection_graph, self.num_images, self.max_images)
        detections = select_rows(detections, np.isin(detections.labels, list(self.names)))
        if not self.remove_difficult:
            truth = truth._replace(difficults=np.zeros_like(truth.difficults))
        rate = len(truth.image_ids) / max(time.perf_counter() - restored, 1e-9)
        return detections, truth, {"checkpoint": checkpoint, "step": step, "images_per_second": round(rate, 2),
                                   "seconds": {"restoring": restored - start, **seconds}}
