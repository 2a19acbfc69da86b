"""Seconds from starting the training script to its first step, and where they go.

    python -m tests.benchmarks.startup [--rounds=3] [--dataset_dir=SHARDS] [--depth_multiplier=1]

Runs the script itself and notes when it says what. Two sides in turn: the script, and a process that only imports
TensorFlow, which everybody pays.
"""
import argparse
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.sides import PROJECT, data_flags, data_parser, median, take_turns

BATCH, WISH = 8, 8.0
# What the script does until it prints a line that begins so.
PHASES = {"imports": "imported", "data check": "recipe ", "graph": "starting from", "folder": "ssd_",
          "session and first step": "step 1/"}
# The script, which also tells when its imports are done.
SCRIPT = ("import train_ssd_network as script; import tf_extended as tfe; print('imported', flush=True); "
          "tfe.run_script(script.main, script.FLAGS, script.__doc__)")
TENSORFLOW = "import tensorflow.compat.v1"


def script_phases(flags: list[str]) -> dict[str, float]:
    """Seconds of each phase of one training of a single step. Raises SystemExit with its words where it fails."""
    marks, said = iter(PHASES.items()), []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SCRIPT, f"--train_dir={folder}/run", "--max_number_of_steps=1",
                   "--log_every_n_steps=1", *flags]
        last, seconds = time.perf_counter(), {}
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            phase, begins = next(marks)
            for line in run.stdout:
                said.append(line)
                if begins and line.startswith(begins):
                    now = time.perf_counter()
                    seconds[phase], last = now - last, now
                    phase, begins = next(marks, (None, None))
    if len(seconds) < len(PHASES):
        raise SystemExit(f"the script ended before the phase {phase!r}:\n{''.join(said)[-2000:]}")
    return seconds


def tensorflow_alone() -> float:
    """Seconds of a process that imports TensorFlow and nothing else."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", TENSORFLOW], check=True, capture_output=True)
    return time.perf_counter() - start


def report(results: dict[str, list]) -> None:
    """A table of the phases, and the whole against TensorFlow's own import."""
    print("| phase | seconds (median) |\n|---|---|")
    for phase in PHASES:
        print(f"| {phase} | {median([run[phase] for run in results['script']]):.2f} |")
    whole, alone = median([sum(run.values()) for run in results["script"]]), median(results["TensorFlow"])
    print(f"| all, to the end of the first step | {whole:.2f} |\n| importing TensorFlow alone | {alone:.2f} |")
    print(f"\nthe script over TensorFlow's import: ×{whole / alone:.2f}; wished for: below {WISH:g} s")


def main() -> None:
    """Measure and print."""
    parser: argparse.ArgumentParser = data_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depth_multiplier", type=float, default=1.0)
    options = parser.parse_args()
    with data_flags(options) as flags:
        flags += [f"--batch_size={BATCH}", f"--depth_multiplier={options.depth_multiplier}"]
        report(take_turns(options.rounds, {"script": lambda: script_phases(flags), "TensorFlow": tensorflow_alone}))


if __name__ == "__main__":
    main()
