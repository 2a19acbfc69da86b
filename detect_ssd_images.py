#!/usr/bin/env python3
"""Detect objects in pictures: checkpoint + pictures -> boxes, drawn and as JSON.

    python detect_ssd_images.py --checkpoint_path=TRAIN_DIR --images=FOLDER,PICTURE.jpg --output_dir=OUT

OUT gets detections.json and, for each picture, a drawing of what was found in it. Every picture is decoded before the
work begins, and none is ever overwritten. Scoring detections is eval_ssd_network.py's job.
"""
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import flags

import tf_extended as tfe
from datasets import label_maps
from datasets.contact_sheets import palette
from datasets.findings import Finding, Findings, Unusable
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.pictures import Picture, check_picture, load_picture
from datasets.samples import read_file
from nets import image_size, model_file, nets_factory
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tf_extended import checkpoints, files, sessions, shared_flags
from tf_extended.console import stop_signals
from tf_extended.evaluation import eval_flags, loose_pictures
from tf_extended.evaluation.pictures import Mark, draw_marks
from tf_extended.evaluation.records import to_pixels
from tf_extended.evaluation.restoring import CheckpointGoneError

FLAGS = flags.FLAGS
FORMAT, RESULT, RESULT_SECS, DRAWN_SIDE = 1, "detections.json", 60.0, 1024
# What model.json says, so that nothing else may.
NET_FLAGS = {"model_name", "depth_multiplier", "batch_norm", "anchors"}

shared_flags.define_model_flags()
shared_flags.define_session_flags(gpu_memory_fraction=0.1)
eval_flags.define_selection_flags(Resize, Resize.WARP_RESIZE, select_threshold=0.5)
flags.DEFINE_list("images", [], "Pictures, and folders of them, separated by commas.")
flags.DEFINE_string("output_dir", None, f"Folder for {RESULT} and the drawings.")
flags.DEFINE_boolean("draw", True, "Draw what was found.")
flags.DEFINE_integer("batch_size", 8, "Pictures in a batch.", lower_bound=1)
flags.DEFINE_string("labels", None, "Class names of a checkpoint without a model.json: labels.txt, pbtxt or JSON. "
                    "Default: the VOC classes.")


def check_flags() -> None:
    """Refuse what cannot work before anything is read or written."""
    for name in ("checkpoint_path", "images", "output_dir"):
        if not FLAGS[name].value:
            raise tfe.InputError(f"--{name} is missing: {FLAGS[name].help}")
    eval_flags.selection(FLAGS)  # which may refuse
    files.check_writable(Path(FLAGS.output_dir), "output_dir")


def find_pictures() -> list[Path]:
    """The pictures that --images names, each once; folders without what lies in their folders."""
    found: dict[Path, Path] = {}
    for given in map(Path, FLAGS.images):
        if not given.exists():
            raise tfe.InputError(f"--images={given}: no such picture or folder")
        inside = [given] if not given.is_dir() else pictures_in(given)
        if not inside:
            raise tfe.InputError(f"--images={given}: no picture in it; expected {', '.join(sorted(files.SUFFIXES))}")
        for path in inside:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, without what earlier detections drew into it."""
    try:
        drawn = earlier_drawings(folder / RESULT)
    except tfe.InputError:  # a file of somebody else
        drawn = set()
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in files.SUFFIXES
                  and not path.name.startswith(".") and path.name not in drawn)


def earlier_drawings(result: Path) -> set[str]:
    """Names of the drawings of earlier detections beside `result`, which may be replaced; InputError where that file
    is none of ours."""
    if not result.exists():
        return set()
    try:
        return set(json.loads(result.read_text(encoding="utf-8"))["drawings"])
    except (ValueError, KeyError, TypeError):
        raise tfe.InputError(f"{result} is there already and not from an earlier detection. Choose another "
                             "--output_dir.") from None


def name_drawings(paths: list[Path], ours: set[str]) -> list[Path]:
    """Where the drawing of each picture goes; an InputError where that would overwrite what is none of `ours`."""
    output, of = Path(FLAGS.output_dir), {}
    for path in paths:
        drawing = output / f"{path.stem}.png"
        other = of.setdefault(drawing, path)
        if other != path:
            raise tfe.InputError(f"--images: {other} and {path} would have the same drawing, {drawing.name}; detect in "
                                 "them one after the other, with an --output_dir each, or with --draw=false")
    originals = {path.resolve() for path in paths}
    theirs = [path for path in of if path.resolve() in originals or (path.name not in ours and path.exists())]
    if theirs:
        raise tfe.InputError(f"--output_dir={output}: {theirs[0]} is there already and would be overwritten by a "
                             "drawing; it is not from an earlier detection. Choose another folder.")
    return list(of)


def check_pictures(paths: list[Path]) -> list[Picture]:
    """What the files are; an InputError that names every one that is no readable picture."""
    good, bad = [], []
    for path in tfe.progress(paths, len(paths), "checking"):
        name = files.printable(str(path))
        if name != str(path):
            bad.append(str(Finding("name_unusable", name, None, "")))
            continue
        try:
            good.append(check_picture(read_file(path, "picture_unreadable"), Findings(str(path))))
        except Unusable as error:
            bad.append(str(Finding(error.kind, str(path), None, error.detail)))
    if bad:
        raise tfe.InputError(f"{len(bad)} of {len(paths)} pictures cannot be read; nothing was done:\n  "
                             + "\n  ".join(bad) + "\nCorrect them or leave them out.")
    return good


def build_net(checkpoint: str) -> tuple:
    """The net that the checkpoint is of and its class names: by the model.json beside it, else by the flags."""
    path = model_file.find_model_file(checkpoint)
    if path.is_file():
        stated = {name for name in NET_FLAGS | {"labels"} if FLAGS[name].present}
        if stated:
            raise tfe.InputError(f"--{min(stated)} means nothing beside {path}, which describes the net. Leave it out.")
        net, labels = model_file.network_from_model_file(path)
    else:
        tfe.say(f"no {path}: the net is built by the flags")
        labels = label_maps.load_labels(FLAGS.labels) if FLAGS.labels else VOC_CLASSES
        net = nets_factory.build_network(FLAGS.model_name, len(labels) + 1, FLAGS.depth_multiplier,
                                         shared_flags.stated(FLAGS, "batch_norm"), FLAGS.anchors)
    net = image_size.net_for_image_size(net, FLAGS.eval_image_size) if FLAGS.eval_image_size else net
    return net, dict(enumerate(labels, 1))


def detect(paths: list[Path], checked: list[Picture], checkpoint: str,
           net) -> Iterator[tuple[np.ndarray, loose_pictures.Found]]:
    """Each picture, and what the net finds in it."""
    precision, reason = sessions.choose_precision(FLAGS.mixed_precision, depthwise=net.depthwise)
    tfe.say(f"{net.name} on {tfe.amount(len(paths), 'picture')}; mixed precision {precision} ({reason})")
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or net.preprocessing)
    return loose_pictures.detect_in_pictures(
        (load_picture(path.read_bytes(), picture) for path, picture in zip(paths, checked, strict=True)),
        checkpoint, preprocess, net, eval_flags.selection(FLAGS),
        batch_size=FLAGS.batch_size, moving_average_decay=FLAGS.moving_average_decay,
        session_config=sessions.session_config(FLAGS.gpu_memory_fraction, precision),
        resize=Resize(FLAGS.eval_resize), interpolation=model_file.read_interpolation(checkpoint))


def describe(path: Path, size: tuple[int, int], found: loose_pictures.Found, names: dict[int, str]) -> dict:
    """A picture's entry in the result: boxes in its pixels, from its left and upper edge on."""
    height, width = size
    return {"image": str(path), "width": width, "height": height, "detections": [
        {"class": names.get(int(label), f"class {label}"), "score": round(float(score), 4),
         "box": [round(float(value), 1) for value in (xmin * width, ymin * height, xmax * width, ymax * height)]}
        for label, score, (ymin, xmin, ymax, xmax) in zip(*found, strict=True)]}


def draw(path: Path, image: np.ndarray, found: loose_pictures.Found, names: dict[int, str]) -> None:
    """Write the picture with its boxes to `path`, each class in a colour of its own, the surest box on top."""
    pixels = np.add(to_pixels(found.bboxes, *image.shape[:2]), [1, 1, 0, 0])  # VOC's first pixel is 1
    marks = [Mark(box, palette(int(label)), f"{names.get(int(label), label)} {score:.2f}")
             for box, label, score in zip(pixels, found.labels, found.scores, strict=True)][::-1]
    files.write_png(path, draw_marks(image, marks, DRAWN_SIDE))


def main() -> None:
    """Check, detect, draw, write the result: of a run that is stopped, what it had found."""
    check_flags()
    for number in stop_signals():
        signal.signal(number, signal.default_int_handler)  # leaves the result, as Ctrl-C does
    paths, result = find_pictures(), Path(FLAGS.output_dir) / RESULT
    ours = earlier_drawings(result)
    drawings = name_drawings(paths, ours) if FLAGS.draw else [None] * len(paths)
    checkpoint = checkpoints.find_checkpoint(FLAGS.checkpoint_path)
    net, names = build_net(checkpoint)
    checked = check_pictures(paths)
    entries, next_write = [], 0.0

    def write_result() -> None:
        files.write_json(result, {
            "format": FORMAT, "complete": len(entries) == len(paths), "checkpoint": checkpoint,
            "labels": list(names.values()), "select_threshold": FLAGS.select_threshold,
            "test_flips": FLAGS.test_flips, "images": entries,
            "drawings": sorted(ours.union(path.name for path in drawings if path))})

    found = tfe.progress(detect(paths, checked, checkpoint, net), len(paths), "detecting")
    try:
        for path, drawing, (image, detections) in zip(paths, drawings, found, strict=True):
            if time.monotonic() >= next_write:  # even a run that is killed leaves what it found, and whose drawings
                write_result()
                next_write = time.monotonic() + RESULT_SECS
            if drawing is not None:
                draw(drawing, image, detections, names)
            entries.append(describe(path, image.shape[:2], detections, names))
    except CheckpointGoneError as error:
        raise tfe.InputError(str(error)) from error
    finally:
        if entries:
            write_result()
    count = sum(len(entry["detections"]) for entry in entries)
    tfe.say(f"done: {tfe.amount(count, 'detection')} in {tfe.amount(len(entries), 'picture')}: {result}")


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
