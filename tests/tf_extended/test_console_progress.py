"""Progress and durations as a log file gets them; time is made here."""

import pytest

from tf_extended import console


@pytest.mark.parametrize(("seconds", "text"), [
    (48.6, "49s"), (59.6, "1m00s"), (60, "1m00s"), (3599.4, "59m59s"), (3600, "1h00m")])
def test_durations_round_and_change_their_unit(seconds, text):
    assert console.duration(seconds) == text


def test_a_line_every_ten_seconds_tells_rate_and_time_left(capsys, monkeypatch):
    """Six seconds an item: the first line comes after the second item, the next is the end's."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    for _ in console.progress(range(4), 4, "reading"):
        now[0] += 6.0
    assert capsys.readouterr().out.splitlines() == [
        "reading: 2/4 images, 0.2 images/s, 12s left", "reading: 4/4 images, 0.2 images/s"]
