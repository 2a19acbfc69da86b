"""What the benchmarks share: the sides of a comparison in turn, each in a process of its own, and data to run them on.

A benchmark that compares processes is a module with two faces: started by a person it asks for its sides one after the
other, A B A B, and prints medians and ratios; started with `--side=NAME` it is one side and ends with a line of JSON.
"""
import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[2]


class Result(NamedTuple):
    """What a side reported, and what its process cost."""

    report: dict[str, Any]
    seconds: float


def run_side(module: str, side: str, arguments: list[str], python: str = sys.executable) -> Result:
    """Run `python -m MODULE --side=SIDE ARGUMENTS` to its end; its report is the last line that it prints.

    Raises SystemExit with the end of what it said where it fails.
    """
    start = time.perf_counter()
    done = subprocess.run([python, "-m", module, f"--side={side}", *arguments], cwd=PROJECT, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{module} --side={side} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return Result(json.loads(done.stdout.splitlines()[-1]), time.perf_counter() - start)


def take_turns(rounds: int, sides: Mapping[str, Callable[[], Any]]) -> dict[str, list]:
    """`rounds` results of each side, taken A B A B: a machine that slows down slows all sides down."""
    results: dict[str, list] = {name: [] for name in sides}
    for number in range(rounds):
        for name, measure in sides.items():
            if sys.stderr.isatty():
                print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            results[name].append(measure())
    return results


def median(values: list[float]) -> float:
    """The median; of each side its own, before any ratio is taken."""
    return statistics.median(values)


def data_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the flags that name the data; without them shapes are generated."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--dataset_dir", help="folder of shards; default: generated shapes in a temporary folder")
    parser.add_argument("--dataset_name", help="the data set's family, where the folder holds several")
    parser.add_argument("--dataset_split_name", default="trainval")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    return parser


@contextlib.contextmanager
def data_flags(options: argparse.Namespace, pictures: int = 200) -> Iterator[list[str]]:
    """The flags that name the data for the training script: those given, or for `pictures` generated ones."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, name = options.dataset_dir, options.dataset_name
        if not folder:
            folder, name = generate_shards(Path(scratch), pictures), None
        flags = [f"--dataset_dir={folder}", f"--dataset_split_name={options.dataset_split_name}"]
        yield flags + ([f"--dataset_name={name}"] if name else [])


def generate_shards(folder: Path, pictures: int) -> Path:
    """Shards of so many generated shapes, of the split `trainval`; returns their folder."""
    from datasets.pascalvoc_to_tfrecords import run
    from datasets.shapes import make_devkit

    with contextlib.redirect_stdout(io.StringIO()):
        run(make_devkit(folder / "voc", pictures, 0), folder / "shards", "shapes_trainval", split="trainval")
    return folder / "shards"
