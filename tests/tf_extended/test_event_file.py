"""TensorBoard's file, read back with TensorFlow's own reader."""
import pytest

from tf_extended import event_file
from tf_extended.compat import tf
from tf_extended.event_file import EventFile, RegularSummaries


def scalar(value):
    return tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=value)]).SerializeToString()


def test_what_is_written_is_there_at_once(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="one")
    events = EventFile(tmp_path, graph, 7)
    events.add_summary(scalar(0.5), 7)
    events.add_summary(scalar(0.25), 8)
    [path] = tmp_path.glob("events.out.tfevents.*")
    first, start, drawn, *summaries = tf.train.summary_iterator(str(path))
    assert first.file_version == "brain.Event:2"
    # What makes TensorBoard forget the steps from 7 on of an earlier file.
    assert (start.step, start.session_log.status) == (7, tf.SessionLog.START)
    assert [node.name for node in tf.GraphDef.FromString(drawn.graph_def).node] == ["one"]
    assert [(e.step, e.summary.value[0].tag, e.summary.value[0].simple_value) for e in summaries] == [
        (7, "loss", 0.5), (8, "loss", 0.25)]


def test_a_second_run_writes_a_second_file(tmp_path):
    for step in (1, 2):
        EventFile(tmp_path, tf.Graph(), step)
    assert len(list(tmp_path.iterdir())) == 2


def test_evaluations_of_one_second_keep_their_files_and_forget_nothing(tmp_path):
    for step in (300, 100, 200):
        EventFile(tmp_path).add_summary(scalar(step), step)
    events = [list(tf.train.summary_iterator(str(path))) for path in tmp_path.iterdir()]
    assert sorted(summary.step for _, summary in events) == [100, 200, 300]
    assert not any(event.HasField("session_log") for _, event in events)


def test_summaries_are_due_after_the_first_step_and_again_after_the_interval(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(event_file.time, "monotonic", lambda: now[0])
    summaries = RegularSummaries(tmp_path, "the op", 10.0)
    asked = []
    for step, second in enumerate((100.0, 101.0, 105.0, 110.9, 111.0, 120.0), 1):
        now[0] = second
        fetched = summaries.fetches()
        asked.append(bool(fetched))
        summaries.write(tf.Graph(), step, {"summary": scalar(step)} if fetched else {"loss": 1.0})
    assert asked == [False, True, False, False, True, False]
    [path] = tmp_path.iterdir()
    assert [e.step for e in tf.train.summary_iterator(str(path)) if e.summary.value] == [2, 5]


@pytest.mark.parametrize(("summary_op", "interval_secs"), [(None, 10.0), ("the op", 0.0)])
def test_no_summaries_at_all(tmp_path, summary_op, interval_secs):
    summaries = RegularSummaries(tmp_path, summary_op, interval_secs)
    assert [summaries.fetches() for _ in range(3)] == [{}, {}, {}]
