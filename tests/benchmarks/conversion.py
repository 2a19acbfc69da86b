"""Pictures a second of the conversion by number of processes, and what its checks cost: against a plain loop.

    python -m tests.benchmarks.conversion [VOC_FOLDER] [PICTURES] [--rounds=3]

The plain loop is the documented converter's work: read the annotation, write the picture's bytes and its boxes, check
nothing. `annotations only` is ours without decoding the pictures. All in turn.

Without a folder, generated shapes are used. Fewer pictures than asked for are linked under new names until there are
enough, so that starting the processes does not hide the rate. Everything is read from memory after the first round.
"""
import argparse
import contextlib
import functools
import io
import itertools
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from unittest import mock

from datasets import samples
from datasets.pascalvoc_to_tfrecords import run
from datasets.picture_headers import read_header
from datasets.pictures import Picture
from datasets.shapes import make_devkit
from datasets.tfrecord_format import make_example
from datasets.voc_folders import find_voc_folder, list_samples
from datasets.workers import usable_processors
from tests.benchmarks.sides import take_turns
from tf_extended.compat import tf

PICTURES, GENERATED = 6000, 200


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
    """Pictures a second of a whole conversion."""
    with tempfile.TemporaryDirectory() as output, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        run(folder, output, "bench_all", num_workers=workers)
        return sum(1 for _ in (folder / "Annotations").iterdir()) / (time.perf_counter() - start)


def measure_annotations_only(folder: Path) -> float:
    """The same in one process, no picture decoded."""
    with mock.patch.object(samples, "check_picture", header_only):
        return measure(folder, 1)


def plain_loop(folder: Path) -> float:
    """Pictures a second of a converter that believes what it reads."""
    names = (folder / "labels.txt").read_text().split()
    annotations = sorted((folder / "Annotations").iterdir())
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        with tf.io.TFRecordWriter(f"{output}/plain_000.tfrecord") as writer:
            for annotation in annotations:
                writer.write(plain_example(annotation, names).SerializeToString())
        return len(annotations) / (time.perf_counter() - start)


def plain_example(annotation: Path, names: list[str]) -> tf.train.Example:
    """One picture and its objects."""
    root = ElementTree.parse(annotation).getroot()
    height, width = (int(root.findtext(f"size/{side}")) for side in ("height", "width"))
    texts, boxes = [], []
    for thing in root.iter("object"):
        sides = [float(thing.findtext(f"bndbox/{side}")) for side in ("ymin", "xmin", "ymax", "xmax")]
        boxes.append([side / size for side, size in zip(sides, (height, width, height, width), strict=True)])
        texts.append(thing.findtext("name"))
    picture = annotation.parents[1] / "JPEGImages" / f"{annotation.stem}.jpg"
    unknown = [0] * len(boxes)
    return make_example(picture.read_bytes(), "JPEG", height, width, annotation.stem, boxes,
                        [names.index(text) + 1 for text in texts], texts, unknown, unknown)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voc_folder", nargs="?", type=Path, help="a VOC folder; default: generated shapes")
    parser.add_argument("pictures", nargs="?", type=int, default=PICTURES, help="how many; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as quiet:
        quiet.enter_context(contextlib.redirect_stdout(io.StringIO()))
        source = options.voc_folder or make_devkit(Path(scratch) / "shapes", GENERATED, 0)
        folder = Path(scratch) / "enlarged"
        enlarge(source, folder, options.pictures)
        measure(folder, 1)
        quiet.close()
        sides = {"plain loop": functools.partial(plain_loop, folder),
                 "1 process, annotations only": functools.partial(measure_annotations_only, folder)}
        sides |= {f"{workers} processes, everything checked": functools.partial(measure, folder, workers)
                  for workers in sorted({1, 2, usable_processors()})}
        # The best of the rounds: other programs only ever slow it down.
        rates = {side: max(values) for side, values in take_turns(options.rounds, sides).items()}
    print("| | pictures/s | over the plain loop |\n|---|---|---|")
    for side, rate in rates.items():
        print(f"| {side} | {rate:.0f} | ×{rate / rates['plain loop']:.2f} |")


if __name__ == "__main__":
    main()
