"""What of a batch is in a picture, and in which order the pictures come out; whole runs are in test_evaluator."""
import contextlib

import numpy as np

from tf_extended.evaluation import detecting

NOTHING = (np.zeros(0, int), np.zeros((0, 4)), np.zeros(0, bool))


def test_what_lies_in_the_padding_is_not_in_the_picture():
    """The right half of the network's input is padding."""
    scores = np.array([[0.9, 0.8]])
    boxes = np.array([[[0.1, 0.1, 0.4, 0.4], [0.0, 0.8, 0.5, 0.9]]])
    labels, values, relative = detecting.in_picture(scores, boxes, [3], np.array([0, 0, 1, 0.5]))
    assert (labels.tolist(), values.tolist()) == ([3], [0.9])
    # Columns count twice in a picture of half the width.
    np.testing.assert_allclose(relative, [[0.1, 0.2, 0.4, 0.8]])


def test_a_score_of_0_is_no_detection():
    scores, boxes = np.array([[0.9, 0.0], [0.0, 0.7]]), np.full((2, 2, 4), [0.1, 0.1, 0.4, 0.4])
    labels, values, _ = detecting.in_picture(scores, boxes, [3, 5], np.array([0, 0, 1, 1]))
    assert (labels.tolist(), values.tolist()) == ([3, 5], [0.9, 0.7])


def test_pictures_come_in_the_order_of_their_records(monkeypatch):
    """By file, then by offset, which is a number: 9 before 120."""
    records = ["b:0", "a:120", "a:9"]
    images = [detecting._Image(record, record, NOTHING, (NOTHING[0], np.zeros(0), NOTHING[1])) for record in records]
    monkeypatch.setattr(detecting, "_images", lambda *_: iter(images))
    monkeypatch.setattr(detecting, "_running_queues", lambda _: contextlib.nullcontext())
    assert detecting.detect(None, None, 3).truth.image_ids == ["a:9", "a:120", "b:0"]
