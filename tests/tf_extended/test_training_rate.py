"""What a training says of its speed."""
import time

import pytest

from tests.tf_extended.test_training import rows, train
from tf_extended import training
from tf_extended.compat import tf


def test_the_rate_does_not_count_what_hooks_take(tmp_path):
    train(tmp_path, 3, log_every_n_steps=1, hooks=(lambda _session, _step: time.sleep(0.4),))
    assert min(row["images_per_second"] for row in rows(tmp_path)[1:]) > 4 / 0.4


def test_rate_and_time_left_follow_from_the_steps_since_the_last_report(tmp_path, monkeypatch):
    left = []
    monkeypatch.setattr(training, "duration", lambda seconds: left.append(seconds) or "")
    train(tmp_path, 10, log_every_n_steps=4, updates=lambda: [tf.py_func(lambda: time.sleep(0.05), [], [])])
    first, second, last = rows(tmp_path)
    assert second["images_per_second"] == pytest.approx(4 * 4 / (second["time"] - first["time"]), rel=0.2)
    assert last["images_per_second"] == pytest.approx(2 * 4 / (last["time"] - second["time"]), rel=0.2)
    assert left == pytest.approx([6 * 4 / first["images_per_second"], 2 * 4 / second["images_per_second"], 0])
