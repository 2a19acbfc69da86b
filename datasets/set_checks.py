"""What is seen only when all samples of a set are there: pictures taken twice, classes unknown or absent, odd sizes.

Every check takes and returns samples, or adds findings. Not this module's job: what one sample shows by itself
(`datasets.samples`), and whether the conversion goes on (`datasets.pascalvoc_to_tfrecords`).
"""
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datasets.findings import Finding
from datasets.samples import Sample, SampleObject
from datasets.voc_folders import ANNOTATIONS
from tf_extended.console import InputError
from tf_extended.files import composed

# Of fewer pictures, or objects of a class, nothing is said about what is usual.
_FEW = 20
# A class that so large a share of the pictures have is expected in the others too.
_NEARLY_ALL = 0.95
# An object is odd so many interquartile ranges away from its class's median, and at so many times its side. Three
# ranges, usual for far outliers, name cells at the picture's border; five name white cells among the platelets.
_FAR, _TIMES = 5, 2.0
# What a training of small batches reads ahead; the share of the changes by chance below which a set is ordered.
_READ_AHEAD, _ORDERED = 200, 0.5
# Annotations come this close to the picture's border, as a share of its side, where the border cuts an object.
_BORDER = 0.01


def drop_annotated(findings: list[Finding]) -> None:
    """Take back that pictures have no annotation where one of another name was found to be theirs."""
    theirs = {composed(finding.detail) for finding in findings if finding.kind == "picture_by_filename"}
    findings[:] = [finding for finding in findings if finding.kind != "picture_unannotated"
                   or composed(Path(finding.file).name) not in theirs]


def take_once(samples: Sequence[Sample], folder: Path, findings: list[Finding]) -> list[Sample]:
    """Only one annotation may describe a picture: the one of its name, else none of them."""
    by_path: dict[Path, list[Sample]] = {}
    for sample in samples:
        by_path.setdefault(sample.path, []).append(sample)
    taken = []
    for sample in samples:
        others = [other for other in by_path[sample.path] if other is not sample]
        if not others or sample.id == composed(sample.path.stem):
            taken.append(sample)
            continue
        detail = f"{sample.path.name}, as {', '.join(other.annotation.name for other in others)}"
        findings.append(Finding("picture_shared", _file(sample, folder), None, detail))
    return taken


def keep_known_classes(samples: Iterable[Sample], labels: Sequence[str], folder: Path,
                       findings: list[Finding]) -> list[Sample]:
    """Leave objects of other classes out, and pictures that have no object left."""
    kept = []
    for sample in samples:
        file = _file(sample, folder)
        known = tuple(thing for thing in sample.objects if thing.name in labels)
        findings += [Finding("class_unknown", file, thing.number, thing.name)
                     for thing in sample.objects if thing.name not in labels]
        if sample.objects and not known:
            findings.append(Finding("no_object_left", file, None, ""))
            continue
        kept.append(sample._replace(objects=known))
    return kept


def note_absent_classes(samples: Iterable[Sample], folder: Path, findings: list[Finding]) -> None:
    """Note the pictures that lack a class which nearly all others have; whoever annotated them may have forgotten it.

    A detector is taught that such objects are background, and finding them counts as an error. Pictures without any
    object are told as such already, and count neither here nor there.
    """
    classes = [(sample, {thing.name for thing in sample.objects}) for sample in samples if sample.objects]
    if len(classes) < _FEW:
        return
    having = Counter(name for _, names in classes for name in names)
    for name, count in having.items():
        if _NEARLY_ALL * len(classes) <= count < len(classes):
            findings += [Finding("class_absent", _file(sample, folder), None,
                                 f"no {name}, which {count} of {len(classes)} pictures have")
                         for sample, names in classes if name not in names]


def note_odd_sizes(samples: Iterable[Sample], folder: Path, findings: list[Finding]) -> None:
    """Note objects far larger or smaller than others of their class: their name or box may be a slip of the hand.

    A size is the root of the share of the picture; compared are logarithms, by median and quartiles (Tukey's fences).
    Objects at the border are noted where too large only: cut off, they are small for a reason that is seen.
    """
    by_class: dict[str, list[tuple[Sample, SampleObject]]] = {}
    for sample in samples:
        for thing in sample.objects:
            by_class.setdefault(thing.name, []).append((sample, thing))
    for name, things in by_class.items():
        if len(things) < _FEW:
            continue
        boxes = np.array([thing.box for _, thing in things])
        sizes = np.log((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) / 2
        lower, median, upper = np.percentile(sizes, (25, 50, 75))
        away = sizes - median
        odd = np.abs(away) > max(_FAR * (upper - lower), np.log(_TIMES))
        odd &= (away > 0) | ((boxes > _BORDER) & (boxes < 1 - _BORDER)).all(axis=1)
        findings += [Finding("object_size_odd", _file(things[index][0], folder), things[index][1].number,
                             f"{name}, {np.exp(away[index]):.2g} times the side of the median of {len(things)}")
                     for index in np.flatnonzero(odd)]


def note_order(samples: Sequence[Sample], findings: list[Finding]) -> None:
    """Note a set in which neighbours in the order of names have the same classes far more often than by chance.

    As where names begin with the class, or count the frames of videos. A training draws from the few hundred pictures
    that it reads ahead, so it would see one class after the other; sets that are not larger do not matter.
    """
    classes = [frozenset(thing.name for thing in sample.objects) for sample in samples]
    count = len(classes)
    if count <= _READ_AHEAD:
        return
    changes = sum(before != after for before, after in itertools.pairwise(classes))
    by_chance = (count - 1) - sum(times * (times - 1) for times in Counter(classes).values()) / count
    if by_chance >= _FEW and changes < _ORDERED * by_chance:
        findings.append(Finding("order_by_class", ANNOTATIONS, None,
                                f"they change {changes} times; {by_chance:.0f} by chance"))


def check_pixels(samples: Sequence[Sample], findings: Iterable[Finding], folder: Path) -> None:
    """InputError where every box of several pictures is within one pixel."""
    tiny = {(finding.file, finding.object) for finding in findings if finding.kind == "box_in_a_pixel"}
    kept = {(_file(sample, folder), thing.number) for sample in samples for thing in sample.objects}
    if kept and len(samples) > 1 and kept <= tiny:
        raise InputError(f"{folder}: all {len(kept)} boxes are within the first pixel of their pictures, so their "
                         "numbers are shares of the sides; expected pixels: multiply them by width and height.")


def _file(sample: Sample, folder: Path) -> str:
    return str(sample.annotation.relative_to(folder))
