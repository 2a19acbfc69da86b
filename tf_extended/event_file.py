"""TensorBoard's event file of a run, written at once and in the caller's thread.

tf.summary.FileWriter writes from a thread of its own, which ends in a traceback where the disk is full; here that is an
error of the call. When a training's summaries are taken is decided here too; making them is not this module's job.
"""
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_extended.compat import tf


class EventFile:
    """One file `events.out.tfevents.*` in `folder`, beginning with the graph, if there is one.

    `step`, if given, is the first that will be written: TensorBoard then forgets what an earlier run wrote from there
    on, so that steps repeated after a kill are not drawn twice. Methods raise tf.errors.OpError where the file cannot
    be written.
    """

    def __init__(self, folder: Path, graph: tf.Graph | None = None, step: int | None = None):
        name = f"events.out.tfevents.{time.time_ns() // 1000:016d}.{socket.gethostname()}"
        self._writer = tf.io.TFRecordWriter(str(folder / name))
        self._add(file_version="brain.Event:2")
        if step is not None:
            self._add(step=step, session_log=tf.SessionLog(status=tf.SessionLog.START))
        if graph is not None:
            self._add(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString())

    def add_summary(self, summary: bytes, step: int) -> None:
        """Write the serialised summaries of a step through to the disk."""
        self._add(step=step, summary=tf.Summary.FromString(summary))
        self._writer.flush()

    def _add(self, **fields: object) -> None:
        self._writer.write(tf.Event(wall_time=time.time(), **fields).SerializeToString())


class RegularSummaries:
    """The summaries of a training: taken every `interval_secs` from a step's own run, and written into `folder`.

    summary_op: None, or an interval of 0, for none at all.
    """

    def __init__(self, folder: Path, summary_op: tf.Tensor | None, interval_secs: float):
        self.folder, self.interval_secs = folder, interval_secs
        self.summary_op = summary_op if interval_secs else None
        # Not in a run's first step: whoever waits to see it start should not wait for summaries as well.
        self._first, self._next = True, 0.0
        self._events: EventFile | None = None

    def fetches(self) -> dict[str, tf.Tensor]:
        """What the coming step has to fetch besides its own: the summaries if they are due."""
        due = self.summary_op is not None and not self._first and time.monotonic() >= self._next
        self._first = False
        return {"summary": self.summary_op} if due else {}

    def write(self, graph: tf.Graph, step: int, fetched: Mapping[str, Any]) -> None:
        """Write what the step fetched, if summaries are among it."""
        if "summary" in fetched:
            self._events = self._events or EventFile(self.folder, graph, step)
            self._events.add_summary(fetched["summary"], step)
            self._next = time.monotonic() + self.interval_secs
