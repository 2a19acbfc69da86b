"""Pictures a second of the training's input pipeline, stage by stage, and of the documented one.

    python -m tests.benchmarks.input_pipeline --dataset_dir=SHARDS [--dataset_name=bccd] [--rounds=3]

Stages, each with all before it: decoding; the augmentation of the recipe; encoding; batching, which is the training
script's own `input_queue`. The documented pipeline is `documented`: TensorFlow's image ops, and a loop over the objects
for each layer. Every stage in a process of its own, in turn; `--num_preprocessing_threads` threads as in the training.
"""
import argparse
import concurrent.futures
import json
import time

from tests.benchmarks.sides import data_flags, data_parser, median, run_side, take_turns

BATCH = 8
# The rate that the whole pipeline should have on two cores, on pictures of 640 x 480 (BCCD).
WISH = 600
STAGES = ("augmentation", "encoding", "batching")
RECIPES = ("slim", "paper", "documented")
SIDES = ("decoding", *(f"{recipe} {stage}" for stage in STAGES for recipe in RECIPES))


def sample(script, dataset, net, side: str) -> list:
    """The tensors of one picture after the stage that `side` names."""
    from datasets import reading
    from preprocessing import preprocessing_factory
    from tests.benchmarks import documented

    recipe, _, stage = side.partition(" ")
    # As the training reads: the documented pipeline decodes whole pictures, and so does what only decodes.
    image, labels, bboxes = reading.read_samples(dataset, script.FLAGS.num_readers, waiting=10 * BATCH,
                                                 decoded=recipe in ("decoding", "documented"))
    if side == "decoding":
        return [image, labels, bboxes]
    if recipe == "documented":
        image, labels, bboxes = documented.preprocess(image, labels, bboxes, net.params.img_shape)
    else:
        preprocess = preprocessing_factory.get_preprocessing("ssd_300_vgg", is_training=True)
        image, labels, bboxes = preprocess(image, labels, bboxes, net.params.img_shape,
                                           augmentation=script.get_augmentation())
    if stage == "augmentation":
        return [image, labels, bboxes]
    if recipe == "documented":
        targets = documented.encode(labels, bboxes, net.anchors(), net.params.num_classes)
    else:
        targets = net.bboxes_encode(labels, bboxes, net.anchors(), matching=script.FLAGS.matching)
    return [image, *(tensor for part in targets for tensor in part)]


def build(script, dataset, net, side: str) -> tuple:
    """(what to fetch for the next pictures, how many those are, how many threads fetch)."""
    import tf_extended as tfe
    from tf_extended.compat import slim, tf

    threads = script.FLAGS.num_preprocessing_threads
    if side in ("slim batching", "paper batching"):
        return script.input_queue(dataset, net).dequeue(), BATCH, 1
    tensors = sample(script, dataset, net, side)
    if side != "documented batching":
        return tensors, 1, threads
    batch = tf.train.batch(tfe.reshape_list([tensors]), batch_size=BATCH, num_threads=threads, capacity=5 * BATCH)
    return slim.prefetch_queue.prefetch_queue(batch, capacity=2).dequeue(), BATCH, 1


def fetch_until(session, fetch, deadline: float) -> int:
    """How often `fetch` came before the deadline. Fetched, because TensorFlow computes nothing that is not."""
    times = 0
    while time.perf_counter() < deadline:
        session.run(fetch)
        times += 1
    return times


def measure(options: argparse.Namespace, flags: list[str]) -> dict:
    """Pictures a second of one side, and the milliseconds of processor time that each takes."""
    import train_ssd_network as script
    from tf_extended import training_flags
    from tf_extended.compat import tf

    recipe = "paper" if options.side.startswith("paper") else "slim"
    script.FLAGS(["train_ssd_network.py", f"--recipe={recipe}", f"--batch_size={BATCH}", "--train_dir=unused",
                  f"--num_preprocessing_threads={options.num_preprocessing_threads}", *flags])
    training_flags.apply_recipe(script.FLAGS)
    dataset = script.get_dataset(script.FLAGS.dataset_split_name)
    fetch, pictures, workers = build(script, dataset, script.build_net(dataset), options.side)
    with tf.Session() as session, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        # What waited in the queues is no measure.
        fetch_until(session, fetch, time.perf_counter() + options.seconds / 3)
        start, used = time.perf_counter(), time.process_time()
        runs = [pool.submit(fetch_until, session, fetch, start + options.seconds) for _ in range(workers)]
        done = pictures * sum(run.result() for run in runs)
        elapsed, used = time.perf_counter() - start, time.process_time() - used
        coordinator.request_stop()
        coordinator.join(threads)
    return {"rate": done / elapsed, "milliseconds": 1000 * used / done}


def report(results: dict[str, list]) -> None:
    """A table of processor time and rate a stage, and the ratios to the documented pipeline and to the wish."""
    rates, cost = ({side: median([run.report[key] for run in runs]) for side, runs in results.items()}
                   for key in ("rate", "milliseconds"))
    print("Pictures a second / milliseconds of processor time a picture (which other programs disturb less):\n\n"
          "| up to | slim | paper | documented | slim's time of the documented |\n|---|---|---|---|---|")
    print(f"| decoding | {rates['decoding']:.0f} / {cost['decoding']:.2f} | | | |")
    for stage in STAGES:
        cells = [f"{rates[f'{recipe} {stage}']:.0f} / {cost[f'{recipe} {stage}']:.2f}" for recipe in RECIPES]
        print(f"| {stage} | {' | '.join(cells)} | ×{cost[f'slim {stage}'] / cost[f'documented {stage}']:.2f} |")
    wish = "\n{}: {:.0%} of the {} pictures/s wished for; {:.0f} by its processor time, were two cores free"
    for recipe in RECIPES:
        side = f"{recipe} {STAGES[-1]}"
        print(wish.format(recipe, rates[side] / WISH, WISH, 2000 / cost[side]))


def main() -> None:
    """One side, or all of them and the table."""
    parser = data_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a side is measured")
    parser.add_argument("--num_preprocessing_threads", type=int, default=4)
    options = parser.parse_args()
    with data_flags(options) as flags:
        if options.side:
            print(json.dumps(measure(options, flags)))
            return
        passed = [*flags, f"--seconds={options.seconds}",
                  f"--num_preprocessing_threads={options.num_preprocessing_threads}"]
        report(take_turns(options.rounds, {
            side: lambda side=side: run_side("tests.benchmarks.input_pipeline", side, passed) for side in SIDES}))


if __name__ == "__main__":
    main()
