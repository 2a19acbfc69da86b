"""What is seen only when all samples of a set are there: pictures taken twice, classes unknown or absent.

Every check takes and returns samples, or adds findings. Not this module's job: what one sample shows by itself
(`datasets.samples`), and whether the conversion goes on (`datasets.pascalvoc_to_tfrecords`).
"""
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets.findings import Finding
from datasets.samples import Sample
from tf_extended.console import InputError
from tf_extended.files import composed

# A class that so large a share of at least so many pictures have is expected in the others too.
_NEARLY_ALL, _FEW_PICTURES = 0.95, 20


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
    if len(classes) < _FEW_PICTURES:
        return
    having = Counter(name for _, names in classes for name in names)
    for name, count in having.items():
        if _NEARLY_ALL * len(classes) <= count < len(classes):
            findings += [Finding("class_absent", _file(sample, folder), None,
                                 f"no {name}, which {count} of {len(classes)} pictures have")
                         for sample, names in classes if name not in names]


def check_pixels(samples: Sequence[Sample], findings: Iterable[Finding], folder: Path) -> None:
    """InputError where every box of several pictures is within one pixel."""
    tiny = sum(finding.kind == "box_in_a_pixel" for finding in findings)
    if tiny and len(samples) > 1 and tiny == sum(len(sample.objects) for sample in samples):
        raise InputError(f"{folder}: all {tiny} boxes are within the first pixel of their pictures, so their numbers "
                         "are shares of the sides; expected pixels: multiply them by width and height.")


def _file(sample: Sample, folder: Path) -> str:
    return str(sample.annotation.relative_to(folder))
