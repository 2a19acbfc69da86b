"""Pictures a second of training SSD-300: the documented graph, ours, and, at full width, PyTorch's.

    python -m tests.benchmarks.training_step [--peer_python=PATH] [--rounds=2] [--steps=10] [--dataset_dir=SHARDS]
        [--depth_multiplier=1]

Sides, each in a process of its own, in turn:
- documented: float32, the atrous convolution cut into space-to-batch pieces, TensorFlow's own bias gradients;
- the same without oneDNN, where TensorFlow leaves it off by itself: on processors without AVX512;
- ours float32, ours bfloat16 (where the processor has it): the training script's own graph, by its own functions;
- PyTorch float32 and bfloat16 autocast, channels last: `torch_ssd`, given ready-made batches: no input pipeline.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from unittest import mock

from tests.benchmarks.sides import data_flags, data_parser, median, run_side, take_turns

BATCH, PUBLISHED_PARAMETERS = 8, 26_285_486
WITHOUT_ONEDNN = "documented, no oneDNN"
OURS = {WITHOUT_ONEDNN: "off", "documented": "off", "ours float32": "off", "ours bfloat16": "bfloat16"}
PEERS = {"PyTorch float32": "float32", "PyTorch bfloat16": "bfloat16"}
FLAGS = ("--recipe=paper", "--num_classes=21", f"--batch_size={BATCH}", "--learning_rate=0.0001", "--train_dir=unused")


@contextlib.contextmanager
def documented_graph() -> Iterator[None]:
    """Inside, nets are built as the documented code builds them."""
    from nets import custom_layers, ssd

    with mock.patch.object(custom_layers, "dilated_gradients_work", lambda: False), \
            mock.patch.object(ssd, "fast_gradients", contextlib.nullcontext):
        yield


def measure(side: str, flags: list[str], warm_up: int, steps: int) -> dict:
    """Seconds and processor seconds of each step of the training script's graph, input pipeline and all; parameters."""
    if side == WITHOUT_ONEDNN:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # which TensorFlow reads when it is imported
    import train_ssd_network as script
    from tf_extended import sessions, training_flags
    from tf_extended.compat import tf

    script.FLAGS(["train_ssd_network.py", *FLAGS, *flags])
    training_flags.apply_recipe(script.FLAGS)
    dataset = script.get_dataset(script.FLAGS.dataset_split_name)
    with documented_graph() if side.startswith("documented") else contextlib.nullcontext():
        train_op, metrics = script.build_graph(dataset, script.build_net(dataset),
                                               training_flags.schedule(script.FLAGS, dataset.num_samples))
    config = sessions.session_config(script.FLAGS.gpu_memory_fraction, OURS[side])
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        coordinator, seconds, used = tf.train.Coordinator(), [], []
        threads = tf.train.start_queue_runners(session, coordinator)
        for _ in range(warm_up + steps):
            start, processor = time.perf_counter(), time.process_time()
            session.run([train_op, metrics])
            seconds.append(time.perf_counter() - start)
            used.append(time.process_time() - processor)
        coordinator.request_stop()
        coordinator.join(threads)
    return {"parameters": sum(v.shape.num_elements() for v in tf.trainable_variables()), "seconds": seconds[warm_up:],
            "processor_seconds": used[warm_up:]}


def peers(python: str) -> dict[str, str]:
    """The sides that PyTorch can take; none, and a word about it, where it is not installed."""
    if subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode:
        print(f"{python} has no PyTorch: the peer is left out. To have it, in an environment of its own:\n"
              "  python -m venv peer && peer/bin/pip install -r tests/benchmarks/requirements.txt, then "
              "--peer_python=peer/bin/python")
        return {}
    return PEERS


def report(results: dict[str, list]) -> None:
    """A table of rates, ratios and parameters."""
    rates = {side: median([BATCH / median(run.report["seconds"]) for run in runs]) for side, runs in results.items()}
    peer = max((rates[side] for side in PEERS if side in rates), default=None)
    print("| side | images/s | over documented | over the best of PyTorch | processor s a step | parameters |\n"
          "|---|---|---|---|---|---|")
    for side, runs in results.items():
        parameters = runs[0].report["parameters"]
        note = "" if parameters == PUBLISHED_PARAMETERS else f" (NOT {PUBLISHED_PARAMETERS:,})"
        over = f"×{rates[side] / peer:.2f}" if peer else "-"
        print(f"| {side} | {rates[side]:.2f} | ×{rates[side] / rates['documented']:.2f} | {over} | "
              f"{median([median(run.report['processor_seconds']) for run in runs]):.2f} | {parameters:,}{note} |")
    if peer:
        print("PyTorch is given ready-made batches; the other sides read, augment and encode theirs meanwhile.")


def main() -> None:
    """One side, or all of them and the table."""
    parser = data_parser(__doc__)
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--depth_multiplier", type=float, default=1.0, help="below 1 batch norm is in the net")
    for name, default in (("rounds", 2), ("steps", 10), ("warm_up", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with data_flags(options) as flags:
        if options.side:
            thin = [f"--depth_multiplier={options.depth_multiplier}", f"--batch_norm={options.depth_multiplier < 1.0}"]
            print(json.dumps(measure(options.side, [*flags, *thin], options.warm_up, options.steps)))
            return
        report(take_turns(options.rounds, all_sides(options, flags)))


def all_sides(options: argparse.Namespace, flags: list[str]) -> dict:
    """Every side as a function that measures it once."""
    from tf_extended import sessions

    counts = [f"--steps={options.steps}", f"--warm_up={options.warm_up}"]
    left_out = set()
    if sessions.choose_precision("auto")[0] != "bfloat16":
        left_out.add("ours bfloat16")
    if "avx512f" in sessions.cpu_flags():
        left_out.add(WITHOUT_ONEDNN)
    width = f"--depth_multiplier={options.depth_multiplier}"
    sides = {side: lambda side=side: run_side("tests.benchmarks.training_step", side, [*flags, *counts, width])
             for side in OURS if side not in left_out}
    if options.depth_multiplier != 1.0:
        return sides
    return sides | {
        name: lambda side=side: run_side("tests.benchmarks.torch_ssd", side, counts, options.peer_python)
        for name, side in peers(options.peer_python).items()}


if __name__ == "__main__":
    main()
