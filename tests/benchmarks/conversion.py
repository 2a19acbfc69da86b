"""Pictures a second of the conversion, with and without checking the pixels, by number of processes.

    python -m tests.benchmarks.conversion [VOC_FOLDER] [PICTURES]

Without a folder, generated shapes are used. Fewer pictures than asked for are linked under new names until there are
enough, so that starting the processes does not hide the rate. Everything is read from memory after the first round.
"""
import contextlib
import io
import itertools
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from datasets import samples
from datasets.pascalvoc_to_tfrecords import run
from datasets.picture_headers import read_header
from datasets.pictures import Picture
from datasets.shapes import make_devkit
from datasets.voc_folders import find_voc_folder, list_samples
from datasets.workers import usable_processors

PICTURES, GENERATED, ROUNDS = 6000, 200, 3


def enlarge(source: Path, folder: Path, count: int) -> None:
    """`count` samples of `source` in `folder`, by links."""
    for part in ("Annotations", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    (folder / "labels.txt").write_text((find_voc_folder(source) / "labels.txt").read_text())
    files = list_samples(find_voc_folder(source), None)[0]
    for number, sample in zip(range(count), itertools.cycle(files), strict=False):
        (folder / "Annotations" / f"{number:06d}.xml").symlink_to(sample.annotation.resolve())
        picture = sample.pictures[0]
        (folder / "JPEGImages" / f"{number:06d}{picture.suffix}").symlink_to(picture.resolve())


def header_only(data: bytes, _found: samples.Findings) -> Picture:
    """What remains of `check_picture` without decoding."""
    header = read_header(data)
    return Picture(header.format, header.width, header.height, 1, False)


def measure(folder: Path, workers: int) -> float:
    """Pictures a second of a whole conversion, the best of a few: other programs only ever slow it down."""
    count, seconds = sum(1 for _ in (folder / "Annotations").iterdir()), []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as output, contextlib.redirect_stdout(io.StringIO()):
            start = time.perf_counter()
            run(folder, output, "bench_all", num_workers=workers)
            seconds.append(time.perf_counter() - start)
    return count / min(seconds)


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else make_devkit(Path(scratch) / "shapes", GENERATED, 0)
        folder = Path(scratch) / "enlarged"
        enlarge(source, folder, int(sys.argv[2]) if len(sys.argv) > 2 else PICTURES)
        measure(folder, 1)
        print("| processes | checking | pictures/s |\n|---|---|---|")
        with mock.patch.object(samples, "check_picture", header_only):
            print(f"| 1 | annotations only | {measure(folder, 1):.0f} |")
        for workers in sorted({1, 2, usable_processors()}):
            print(f"| {workers} | everything | {measure(folder, workers):.0f} |", flush=True)


if __name__ == "__main__":
    main()
