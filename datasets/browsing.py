"""Samples as contact sheets: as the shards hold them, and as training sees them with the anchors that match.

Reads all boxes, and the pictures of a few samples from all over the set. Not its job: drawing itself
(`contact_sheets`), augmentation (augmented samples come in as arrays).
"""
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import numpy as np

from datasets.anchor_fit import AnchorLayer, layer_numbers, match_picture
from datasets.contact_sheets import Colour, Mark, Tile, palette, save_sheets
from datasets.pictures import decoder_reason, strict_decoder
from datasets.tfrecord_format import ParsedExample, parse_example
from tf_extended.compat import tf
from tf_extended.console import InputError, amount, progress

MATCHED: Colour = (255, 255, 255)
UNMATCHED: Colour = (255, 40, 40)


def read_samples(shards: Sequence[str], num_samples: int, wanted: int,
                 known: Container[int]) -> tuple[list[np.ndarray], list[ParsedExample]]:
    """Every picture's boxes [N, 4], and `wanted` whole samples, evenly spread over the set.

    InputError where an object's label is not among the `known` ones: other programs' shards may have such.
    """
    chosen = set(np.linspace(0, num_samples - 1, min(wanted, num_samples)).round().astype(int).tolist())
    boxes, samples = [], []
    records = ((shard, record) for shard in shards for record in tf.io.tf_record_iterator(shard))
    for number, (shard, record) in enumerate(progress(records, num_samples, "reading")):
        sample = parse_example(record)
        if unknown := [label for label in sample.labels.tolist() if label not in known]:
            raise InputError(f"{shard}, picture {sample.filename!r}: an object has the label {unknown[0]}, which the "
                             "label map lacks; convert the data again with this toolkit.")
        boxes.append(sample.bboxes)
        if number in chosen:
            samples.append(sample)
    return boxes, samples


def decode(sample: ParsedExample) -> np.ndarray:
    """The sample's picture as readers get it, uint8 RGB [H, W, 3]; InputError where they get none."""
    try:
        return strict_decoder()(sample.encoded, True)
    except tf.errors.OpError as error:
        raise InputError(f"picture {sample.filename!r} of the shards does not decode ({decoder_reason(error)}); "
                         "convert the data again with this toolkit, which finds such pictures.") from None


def save_ground_truth(folder: Path, samples: Iterable[ParsedExample], names: dict[int, str]) -> list[Path]:
    """Contact sheets `ground_truth_{00}.png`; `names`: the dataset's labels_to_names."""
    legend = [(name, palette(label)) for label, name in names.items() if label]
    return save_sheets(folder, "ground_truth", [_ground_truth_tile(sample, names) for sample in samples],
                       [*legend, ("D difficult, T truncated", MATCHED)])


def save_augmented(folder: Path, samples: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], names: dict[int, str],
                   layers: Sequence[AnchorLayer], threshold: float) -> list[Path]:
    """Contact sheets `augmented_{00}.png` of (picture uint8 RGB, labels [N], boxes [N, 4]) and matching anchors."""
    legend = [(f"anchors of {layer.name}", _layer_colour(number)) for number, layer in enumerate(layers)]
    return save_sheets(folder, "augmented", [_augmented_tile(*sample, names, layers, threshold) for sample in samples],
                       [*legend, ("object with anchors", MATCHED), ("object that matches none", UNMATCHED)])


def _layer_colour(number: int) -> Colour:
    """The palette begins with red, which marks unmatched objects."""
    return palette(number + 1)


def _ground_truth_tile(sample: ParsedExample, names: dict[int, str]) -> Tile:
    """The picture with its objects: class, and D or T where they are difficult or truncated."""
    marks = []
    for label, box, difficult, truncated in zip(sample.labels, sample.bboxes, sample.difficults, sample.truncateds,
                                                strict=True):
        text = names[int(label)] + " D" * int(difficult) + " T" * int(truncated)
        marks.append(Mark(box, palette(int(label)), text, 1 if difficult else 2))
    height, width = sample.shape[:2]
    return Tile(decode(sample), marks, f"{sample.filename}  {width}x{height}, {amount(len(marks), 'object')}")


def _augmented_tile(image: np.ndarray, labels: np.ndarray, bboxes: np.ndarray, names: dict[int, str],
                    layers: Sequence[AnchorLayer], threshold: float) -> Tile:
    """An augmented sample with every anchor that matches, in its layer's colour, and the objects over them."""
    owners = match_picture(bboxes, layers, threshold).owners
    numbers, corners = layer_numbers(layers), np.concatenate([layer.corners for layer in layers])
    marks = [Mark(corners[anchor], _layer_colour(numbers[anchor]), "", 1) for anchor in np.flatnonzero(owners >= 0)]
    counts = np.bincount(owners[owners >= 0], minlength=len(labels))
    marks += [Mark(box, MATCHED if count else UNMATCHED, f"{names[int(label)]}: {count}")
              for box, label, count in zip(bboxes, labels, counts, strict=True)]
    return Tile(image, marks, f"{amount(len(labels), 'object')}, {np.sum(counts == 0)} match none, "
                              f"{amount(counts.sum(), 'anchor')}")
