"""Peak resident memory of the training script: full width, batches of 8, a few steps.

    python -m tests.benchmarks.memory [--rounds=2] [--steps=10] [--dataset_dir=SHARDS] [--peer_python=PATH]

Sides in turn: float32, bfloat16 (where the processor has it), and PyTorch (`torch_ssd`, which reads no data and saves
no checkpoint). What the kernel says of each process when it has ended; the final checkpoint is within it.
"""
import argparse
import subprocess
import sys
import tempfile

from tests.benchmarks.sides import PROJECT, data_flags, data_parser, median, take_turns
from tests.benchmarks.training_step import peers

BATCH, WISH = 8, 2.5


# The kernel counts the memory of whoever starts a process as the process's own until it has begun. So the command is
# started by an interpreter that holds next to nothing, which prints the peak in the kernel's unit.
STARTER = """
import os, subprocess, sys
run = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(run.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def peak_gigabytes(command: list[str]) -> float:
    """The largest resident set of a process, in GB. Raises SystemExit with its last words where it fails."""
    done = subprocess.run([sys.executable, "-c", STARTER, *command], cwd=PROJECT, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e9


def train(precision: str, steps: int, flags: list[str]) -> float:
    """The peak of the training script."""
    with tempfile.TemporaryDirectory() as folder:
        return peak_gigabytes([sys.executable, "train_ssd_network.py", f"--train_dir={folder}/run",
                               f"--mixed_precision={precision}", f"--max_number_of_steps={steps}",
                               f"--batch_size={BATCH}", "--learning_rate=0.0001", *flags])


def all_sides(options: argparse.Namespace, flags: list[str]) -> dict:
    """Every side as a function that measures it once."""
    from tf_extended import sessions

    precisions = {"float32": "off"}
    if sessions.choose_precision("auto")[0] == "bfloat16":
        precisions["bfloat16"] = "bfloat16"
    sides = {f"ours {name}": lambda asked=asked: train(asked, options.steps, flags)
             for name, asked in precisions.items()}
    return sides | {
        name: lambda side=side: peak_gigabytes([options.peer_python, "-m", "tests.benchmarks.torch_ssd",
                                                f"--side={side}", f"--steps={options.steps}", "--warm_up=0"])
        for name, side in peers(options.peer_python).items()}


def main() -> None:
    """Measure and print."""
    parser = data_parser(__doc__)
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with PyTorch")
    for name, default in (("rounds", 2), ("steps", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with data_flags(options) as flags:
        results = take_turns(options.rounds, all_sides(options, flags))
    print(f"| side | peak GB | of the {WISH} GB wished for |\n|---|---|---|")
    for side, peaks in results.items():
        print(f"| {side} | {median(peaks):.2f} | {median(peaks) / WISH:.0%} |")


if __name__ == "__main__":
    main()
