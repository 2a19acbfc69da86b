"""TensorBoard's event file of a run, written at once and in the caller's thread.

tf.summary.FileWriter writes from a thread of its own, which ends in a traceback where the disk is full; here that is an
error of the call. Not its job: making the summaries.
"""
import socket
import time
from pathlib import Path

from tf_extended.compat import tf


class EventFile:
    """One file `events.out.tfevents.*` in `folder`, beginning with the graph.

    `step` is the first that will be written: TensorBoard then forgets what an earlier run wrote from there on, so that
    steps repeated after a kill are not drawn twice. Methods raise tf.errors.OpError where the file cannot be written.
    """

    def __init__(self, folder: Path, graph: tf.Graph, step: int):
        name = f"events.out.tfevents.{time.time_ns() // 1000:016d}.{socket.gethostname()}"
        self._writer = tf.io.TFRecordWriter(str(folder / name))
        self._add(file_version="brain.Event:2")
        self._add(step=step, session_log=tf.SessionLog(status=tf.SessionLog.START))
        self._add(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString())

    def add_summary(self, summary: bytes, step: int) -> None:
        """Write the serialised summaries of a step through to the disk."""
        self._add(step=step, summary=tf.Summary.FromString(summary))
        self._writer.flush()

    def _add(self, **fields: object) -> None:
        self._writer.write(tf.Event(wall_time=time.time(), **fields).SerializeToString())
