"""Ground truth and pictures of a set, read without a graph: from shards, or from a VOC folder.

Its job: the order of images, VOC pixels, finding the pictures again. Finding damage is the converter's.
"""
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from datasets.findings import Findings, Unusable, problems
from datasets.samples import read_annotation
from datasets.tfrecord_format import parse_example
from datasets.voc_annotations import VocObject
from datasets.voc_folders import ANNOTATIONS, PICTURES, SPLITS
from tf_extended.compat import tf
from tf_extended.console import InputError
from tf_extended.evaluation.records import GroundTruth, make_ground_truth, to_pixels
from tf_extended.files import composed, read_list


class VocSource(NamedTuple):
    """A split of a VOC folder. other_classes: names of objects that are not in the label map, and do not count."""

    truth: GroundTruth
    other_classes: list[str]


def read_voc_truth(folder: Path, split: str, labels: Mapping[str, int]) -> VocSource:
    """The objects of a split, in the pixels of the annotations as they stand there.

    folder: with Annotations and ImageSets/Main; labels: class name → label. Raises InputError where the split or an
    annotation is missing or unusable.
    """
    images, others, annotations = [], set(), _annotations(folder)
    for image_id in _read_split(folder, split, annotations):
        if image_id not in annotations:
            raise InputError(f"{folder / SPLITS / split}.txt lists {image_id!r}, but there is no "
                             f"{folder / ANNOTATIONS / image_id}.xml.")
        objects = _read_objects(annotations[image_id])
        others |= {thing.name for thing in objects} - set(labels)
        known = [thing for thing in objects if thing.name in labels]
        images.append((
            image_id, [labels[thing.name] for thing in known],
            [(ymin, xmin, ymax, xmax) for xmin, ymin, xmax, ymax in (thing.box for thing in known)],
            [thing.difficult for thing in known],
        ))
    return VocSource(make_ground_truth(images), sorted(others))


def _read_objects(path: Path) -> tuple[VocObject, ...]:
    found = Findings(str(path))
    try:
        objects = read_annotation(path, found).objects
    except Unusable as error:
        found.add(error.kind, error.detail)
    for problem in problems(found):
        raise InputError(f"{problem}. Repair the annotation.")
    return objects


def _read_split(folder: Path, split: str, annotations: Container[str]) -> list[str]:
    """The image ids of ImageSets/Main/{split}.txt. InputError where it is missing, empty, or names one twice."""
    path = folder / SPLITS / f"{split}.txt"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in path.parent.glob("*.txt"))) or "none"
        raise InputError(f"no list {path}; the splits there are: {there}. Check --dataset_split_name.")
    ids = read_list(path, annotations)
    twice = _repeated(ids)
    if not ids or twice:
        raise InputError(f"{path} lists {f'{twice[0]!r} twice' if twice else 'no image'}; expected every image once.")
    return ids


def _repeated(ids: Iterable[str]) -> list[str]:
    """Those that are there more than once, sorted."""
    return sorted(image_id for image_id, times in Counter(ids).items() if times > 1)


def _annotations(folder: Path) -> dict[str, Path]:
    """Image id → annotation, whatever the case of its ending."""
    return {composed(path.stem): path for path in (folder / ANNOTATIONS).iterdir() if path.suffix.lower() == ".xml"}


def load_voc_images(folder: Path, truth: GroundTruth, indices: Collection[int]) -> dict[int, np.ndarray]:
    """index → RGB uint8 [H, W, 3] of those images that have a picture in the folder."""
    wanted, images = {truth.image_ids[index]: index for index in indices}, {}
    for path in sorted((folder / PICTURES).glob("*")):
        image_id = composed(path.stem)
        image = decode(path.read_bytes()) if image_id in wanted and path.is_file() else None
        if image is not None:
            images[wanted[image_id]] = image
    return images


def read_shard_truth(shards: Iterable[str]) -> GroundTruth:
    """The objects of all records, in their order.

    InputError where one has the image id of another: result files could not tell them apart.
    """
    truth = make_ground_truth(
        (example.filename, example.labels, to_pixels(example.bboxes, *example.shape[:2]), example.difficults)
        for example in map(parse_example, _records(shards)))
    if twice := _repeated(truth.image_ids):
        raise InputError(f"two pictures of --dataset_dir are named {twice[0]!r}, and result files cannot "
                         "tell them apart. Score the folders of a joined set one by one.")
    return truth


def load_shard_images(shards: Iterable[str], indices: Collection[int]) -> dict[int, np.ndarray]:
    """index → RGB uint8 [H, W, 3] of the records with these numbers, counted through the sorted shards from 0."""
    wanted = set(indices)
    images = {}
    for index, record in enumerate(_records(shards)):
        if index in wanted:
            images[index] = decode(parse_example(record).encoded)
        if len(images) == len(wanted):
            break
    return {index: image for index, image in images.items() if image is not None}


def decode(encoded: bytes) -> np.ndarray | None:
    """RGB uint8 [H, W, 3], not turned by EXIF, as TensorFlow decodes it; None where it is no picture."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _records(shards: Iterable[str]) -> Iterable[bytes]:
    for shard in sorted(map(str, shards)):
        yield from tf.io.tf_record_iterator(shard)
