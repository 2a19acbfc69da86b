"""Milliseconds to encode a picture's objects into targets: a loop over objects and layers, and ours.

    python -m tests.benchmarks.encoding [--rounds=5]

Sides in turn: the documented way (a TensorFlow loop over the objects for each of the six layers), ours with the
matching `slim`, which gives the same to the last score, and ours with `paper`, which the loop does not know. One
thread a picture, as in the input pipeline.
"""
import argparse
import functools
import time

import numpy as np

from nets.ssd_vgg_300 import SSDNet
from tests.benchmarks import documented
from tests.benchmarks.sides import median, take_turns
from tf_extended.compat import tf

COUNTS, TIMES = (1, 10, 60), 40
SIDES = ("loop over objects", "ours slim", "ours paper")


def objects(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels [count] and boxes [count, 4] at random, of all sizes."""
    random = np.random.default_rng(count)
    corner = random.uniform(0.0, 0.7, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(0.02, 0.3, (count, 2))], axis=1)
    return random.integers(1, 21, count), boxes.astype(np.float32)


def build() -> tuple:
    """Placeholders of labels and boxes, and the targets by each side: classes, localisations, scores."""
    net, labels, boxes = SSDNet(), tf.placeholder(tf.int64, [None]), tf.placeholder(tf.float32, [None, 4])
    targets = {SIDES[0]: documented.encode(labels, boxes, net.anchors(), net.params.num_classes),
               SIDES[1]: net.bboxes_encode(labels, boxes, net.anchors(), matching="slim"),
               SIDES[2]: net.bboxes_encode(labels, boxes, net.anchors(), matching="paper")}
    return labels, boxes, targets


def check_equal(session: tf.Session, targets: dict, feed: dict) -> None:
    """The loop and ours with `slim` give equal targets."""
    loop, ours = session.run([targets[SIDES[0]], targets[SIDES[1]]], feed)
    for expected, got in zip(loop, ours, strict=True):
        for one, other in zip(expected, got, strict=True):
            np.testing.assert_allclose(other, one, atol=1e-4)


def milliseconds(session: tf.Session, target: tuple, feed: dict) -> float:
    """The median of some runs. The targets are fetched: what nobody fetches TensorFlow would not compute."""
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        session.run(target, feed)
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    labels, boxes, targets = build()
    print("| objects | " + " | ".join(f"{side}, ms" for side in SIDES) + " | loop over ours slim | over ours paper |")
    print("|---|---|---|---|---|---|")
    with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)) as session:
        for count in COUNTS:
            feed = dict(zip((labels, boxes), objects(count), strict=True))
            check_equal(session, targets, feed)
            results = take_turns(options.rounds, {
                side: functools.partial(milliseconds, session, target, feed) for side, target in targets.items()})
            loop, slim, paper = (median(results[side]) for side in SIDES)
            print(f"| {count} | {loop:.2f} | {slim:.2f} | {paper:.2f} | ×{loop / slim:.1f} | ×{loop / paper:.1f} |",
                  flush=True)


if __name__ == "__main__":
    main()
