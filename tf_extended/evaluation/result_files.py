"""Detections as the PASCAL VOC devkit's result files: `comp4_det_{split}_{class}.txt`.

One file per class, one line per detection: `image_id score xmin ymin xmax ymax`, VOC pixels. Writing and reading are an
inverse pair (but for image ids with blanks at an end): numbers are written with all their digits, so a score from files
is the score from arrays. Scoring is not its job.
"""
import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_extended.console import LONGEST_NAME, InputError
from tf_extended.evaluation.records import Detections, make_detections
from tf_extended.files import composed, read_text, write_text


class ResultFiles(NamedTuple):
    """What a folder of result files held: the detections, classes without a file, files of classes nobody asked for."""

    detections: Detections
    missing: list[str]
    unknown: list[str]


def result_path(folder: Path, split: str, name: str) -> Path:
    """Where the detections of class `name` lie; a slash in it is written as %2F, for it would be a folder."""
    return Path(folder) / f"comp4_det_{split}_{name.replace('%', '%25').replace('/', '%2F')}.txt"


def check_file_names(split: str, names: Mapping[int, str]) -> None:
    """InputError for a class whose result file would have a longer name than file systems take."""
    for label, name in sorted(names.items()):
        length = len(os.fsencode(result_path(Path(), split, name).name))
        if label and length > LONGEST_NAME:
            raise InputError(f"class {label}, {name[:40]!r}…: its result file's name would have {length} bytes, more "
                             f"than {LONGEST_NAME}. Convert the data set again with a shorter name for it.")


def write_result_files(
    folder: Path, split: str, detections: Detections, image_ids: list[str], names: Mapping[int, str]
) -> list[Path]:
    """Write one file for every class of `names` (label → name; 0 is passed over), empty where nothing was found."""
    paths = []
    for label, name in sorted(names.items()):
        if label == 0:
            continue
        rows = np.flatnonzero(detections.labels == label)
        lines = [
            f"{image_ids[image]} {score!r} {xmin!r} {ymin!r} {xmax!r} {ymax!r}\n"
            for image, score, (ymin, xmin, ymax, xmax) in zip(
                detections.images[rows].tolist(), detections.scores[rows].tolist(), detections.bboxes[rows].tolist(),
                strict=True,
            )
        ]
        paths.append(result_path(folder, split, name))
        write_text(paths[-1], "".join(lines))
    return paths


def read_result_files(folder: Path, split: str, image_ids: list[str], names: Mapping[int, str]) -> ResultFiles:
    """Read the files of the classes of `names` (label → name; 0 is passed over).

    A class without a file has no detections; accents may be written in either form (`files.composed`). InputError where
    no file of the split is there, a line does not parse or names an image that is not in `image_ids`.
    """
    present = {composed(path.name): path for path in Path(folder).glob(f"{glob.escape(f'comp4_det_{split}_')}*.txt")}
    wanted = {label: result_path(folder, split, composed(name)) for label, name in sorted(names.items()) if label > 0}
    known = {label: present[path.name] for label, path in wanted.items() if path.name in present}
    if not known:
        raise InputError(
            f"{folder} holds no result file of split {split!r} and these {len(wanted)} classes; expected files like "
            f"{next(iter(wanted.values())).name}. Check --detections_dir, --dataset_split_name and --labels."
        )
    index_of = {composed(image_id): index for index, image_id in enumerate(image_ids)}
    rows = [row for label, path in known.items() for row in _read_file(path, label, index_of)]
    missing = [names[label] for label in wanted if label not in known]
    unknown = sorted(path.name for path in present.values() if path not in known.values())
    return ResultFiles(make_detections(rows), missing, unknown)


def _read_file(path: Path, label: int, index_of: Mapping[str, int]) -> list[tuple]:
    rows = []
    for number, line in enumerate(composed(read_text(path)).split("\n"), 1):
        if not line.strip():
            continue
        # From the right, because an image id may hold spaces.
        image_id, *fields = line.strip().rsplit(maxsplit=5)
        try:
            score, xmin, ymin, xmax, ymax = (float(field) for field in fields)
        except ValueError:
            score = xmin = ymin = xmax = ymax = np.nan
        if not np.isfinite([score, xmin, ymin, xmax, ymax]).all():
            raise InputError(f"{path}:{number}: expected 'image_id score xmin ymin xmax ymax', found {line.strip()!r}.")
        if image_id not in index_of:
            raise InputError(f"{path}:{number}: image {image_id!r} is not in this split. Check --dataset_split_name.")
        rows.append((index_of[image_id], [label], [score], [[ymin, xmin, ymax, xmax]]))
    return rows
