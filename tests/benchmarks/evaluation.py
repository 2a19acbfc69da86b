"""How fast is an evaluation? Prints one table, its ratios, and how fast the scoring is.

    python -m tests.benchmarks.evaluation [--rounds=3]

Detecting: full-width SSD-300 on VGG-16 with 20 classes and untrained weights, which is post-processing's worst case:
every class of every image has its 400 candidates. Variants, those in bfloat16 where the processor has it, are measured
in turn, A B A B, because machines are noisy.
Scoring: a VOC-like set of detections, against the plain loop that the tests compare with.
"""
import argparse
import functools
import tempfile
import time
from pathlib import Path

import numpy as np

from nets import nets_factory
from preprocessing import preprocessing_factory
from tests.tf_extended.evaluation.cases import NAMES, naive_ap
from tests.tf_extended.evaluation.rectangles import open_set, write_shards
from tf_extended import sessions
from tf_extended.compat import slim, tf
from tf_extended.evaluation.detecting import detect
from tf_extended.evaluation.detection_graph import Selection, build_detection_graph
from tf_extended.evaluation.records import make_detections, make_ground_truth
from tf_extended.evaluation.voc_scoring import score

IMAGES, BATCHES = 32, (1, 8)


def measure_detecting(dataset: slim.dataset.Dataset, batch_size: int, precision: str) -> tuple[float, dict[str, float]]:
    """(images/s, seconds per stage) of one pass; a pass before it warms up."""
    net_class = nets_factory.get_network("ssd_300_vgg")
    preprocess = preprocessing_factory.get_preprocessing("ssd_300_vgg")
    with tf.Graph().as_default():
        graph = build_detection_graph(dataset, preprocess, net_class(), Selection(), batch_size=batch_size)
        with tf.Session(config=sessions.session_config(1.0, precision)) as session:
            session.run(tf.global_variables_initializer())
            session.run([graph.scores, graph.bboxes], {graph.batch["image"]: np.zeros((batch_size, 300, 300, 3))})
            start = time.perf_counter()
            seconds = detect(session, graph, dataset.num_samples).seconds
            return IMAGES / (time.perf_counter() - start), seconds


def random_set(num_images: int = 300, objects: int = 4, found: int = 100) -> tuple:
    """Detections around objects, and others; two classes."""
    rng = np.random.default_rng(0)

    def boxes(count):
        corner = rng.integers(1, 300, (count, 2))
        return np.concatenate([corner, corner + rng.integers(20, 150, (count, 2))], axis=1)

    def labels(count):
        return rng.integers(1, 3, count)

    truth = make_ground_truth((f"{i}", labels(objects), boxes(objects), rng.random(objects) < 0.1)
                              for i in range(num_images))
    near = truth.bboxes.reshape(num_images, objects, 4)
    found_boxes = [np.concatenate([box + rng.normal(0, 8, box.shape), boxes(found - objects)]) for box in near]
    return make_detections((i, labels(found), rng.random(found), box) for i, box in enumerate(found_boxes)), truth


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def report(rates: dict[tuple[int, str], float], stages: dict[tuple[int, str], dict[str, float]]) -> None:
    """Print the table, and the ratios of what was measured: images/s and seconds per stage of (batch, precision)."""
    print("batch  precision  images/s (median)  input  network  post-processing (ms an image)")
    for variant, rate in rates.items():
        spent = "  ".join(f"{1000 * seconds / IMAGES:7.1f}" for seconds in stages[variant].values())
        print(f"{variant[0]:5}  {variant[1]:9}  {rate:17.2f}  {spent}")
    one, eight = BATCHES
    fastest = list(rates)[-1][1]  # what `auto` chooses, measured last
    best = stages[eight, fastest]
    print(f"batch {eight} over batch {one}, {fastest}: ×{rates[eight, fastest] / rates[one, fastest]:.2f}")
    if fastest != "off":
        print(f"{fastest} over float32, batch {eight}: ×{rates[eight, fastest] / rates[eight, 'off']:.2f}")
    print(f"post-processing's share, batch {eight}, {fastest}: {best['post_processing'] / sum(best.values()):.1%}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = [((300, 400), (50, 60, 200, 250))] * IMAGES
        dataset = open_set(write_shards(Path(folder), pictures))
        precisions = list(dict.fromkeys(["off", sessions.choose_precision("auto")[0]]))
        rates = {(batch, precision): [] for precision in precisions for batch in BATCHES}
        stages = {}
        for _ in range(options.rounds):
            for variant, measured in rates.items():
                rate, stages[variant] = measure_detecting(dataset, *variant)
                measured.append(rate)
    report({variant: float(np.median(measured)) for variant, measured in rates.items()}, stages)
    case = random_set()
    ours = min(timed(functools.partial(score, *case, NAMES)) for _ in range(options.rounds))
    naive = timed(lambda: [naive_ap(*case, label) for label in (1, 2)])
    print(f"scoring {len(case[0].scores)} detections: {ours:.2f} s, ×{naive / ours:.0f} over a plain loop")


if __name__ == "__main__":
    main()
