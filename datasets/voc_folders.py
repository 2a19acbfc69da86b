"""Find a VOC folder's annotations, pictures and split lists, and pair them.

Accepts a VOC folder (Annotations, JPEGImages, ImageSets/Main), the folder around one (VOC2007) and a devkit around
that (VOCdevkit/VOC2007). Reading the files is not its job.
"""
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from datasets.findings import Finding
from tf_extended.console import InputError
from tf_extended.files import SUFFIXES, composed, printable, read_list

ANNOTATIONS, PICTURES, SPLITS = "Annotations", "JPEGImages", "ImageSets/Main"


class SampleFiles(NamedTuple):
    """Where one sample lies. Several pictures, or none, are for the check of its annotation to decide upon."""

    id: str
    annotation: Path
    pictures: tuple[Path, ...]


def locate_voc_folder(top: Path) -> Path | None:
    """The VOC folder that `top` is, or else holds as VOC2007, or else as VOCdevkit/VOC2007; None where there is none.

    It needs no pictures: annotations are enough to score. InputError where there are several.
    """
    for pattern in (ANNOTATIONS, f"VOC*/{ANNOTATIONS}", f"VOCdevkit/VOC*/{ANNOTATIONS}"):
        found = sorted(path.parent for path in Path(top).glob(pattern) if path.is_dir())
        if len(found) > 1:
            names = ", ".join(str(folder.relative_to(top)) for folder in found)
            raise InputError(f"--dataset_dir {top}: several data sets in it ({names}); give the folder of one.")
        if found:
            return found[0]
    return None


def find_voc_folder(dataset_dir: str | Path) -> Path:
    """The folder that holds Annotations/ and JPEGImages/, at or up to two levels below `dataset_dir`."""
    top = Path(dataset_dir).expanduser()
    if not top.is_dir():
        raise InputError(f"--dataset_dir {top}: no such folder; expected one with {ANNOTATIONS}/ and {PICTURES}/.")
    folder = locate_voc_folder(top)
    if folder is None:
        loose = next((path for pattern in ("*", "*/*") for path in sorted(top.glob(pattern))
                      if path.suffix.lower() == ".xml"), None)
        raise InputError(f"--dataset_dir {top}: no folder {ANNOTATIONS}/ in it; expected the VOC layout: "
                         f"{ANNOTATIONS}/*.xml, {PICTURES}/*, and {SPLITS}/*.txt where --split is used."
                         + (f" {loose.parent} holds annotations outside of that layout: rename it and the pictures' "
                            "folder, or sort them by the lines of README, Your own classes." if loose else ""))
    if not (folder / PICTURES).is_dir():
        raise InputError(f"{folder}: no folder {PICTURES}/ beside {ANNOTATIONS}/; put the pictures there.")
    return folder


def year_folder(dataset_dir: str | Path, year: str) -> Path:
    """The folder `VOC{year}` of the devkit in or at `dataset_dir`; `dataset_dir` itself where it is no devkit.

    Raises InputError where only other years are there.
    """
    top = Path(dataset_dir).expanduser()
    places = (top, *sorted(top.glob("VOC*")), *sorted(top.glob("VOCdevkit/VOC*")))
    folders = {place.absolute().name: place for place in reversed(places) if place.is_dir()}
    years = [name for name in folders if re.fullmatch(r"VOC\d{4}", name)]
    if years and f"VOC{year}" not in years:
        raise InputError(f"--dataset_dir {top}: no VOC{year} there, but {', '.join(sorted(years))}; name the right "
                         "year, or leave --dataset_name out.")
    return folders.get(f"VOC{year}", top)


def list_samples(folder: Path, split: str | None) -> tuple[list[SampleFiles], list[Finding]]:
    """The samples of a split (None: every annotation), sorted by id, and what was found amiss in the listing.

    Raises InputError where the split does not exist or nothing is in it.
    """
    annotations, findings = _by_id(folder / ANNOTATIONS, (".xml",))
    if not annotations and (deeper := _folders_within(folder / ANNOTATIONS)):
        raise InputError(f"{deeper[0]}: annotations in folders of their own are not looked for; move them up into "
                         f"{folder / ANNOTATIONS}, and their pictures into {folder / PICTURES}.")
    pictures, unusable = _by_id(folder / PICTURES, tuple(SUFFIXES))
    if split is None:
        ids = sorted(annotations)
    else:
        ids, listed = _read_split(folder, split, annotations)
        findings = [finding for finding in findings if composed(Path(finding.file).stem) in ids] + listed
    if not ids and not findings:
        raise InputError(f"{folder / ANNOTATIONS}: no annotation in it; expected .xml files in the VOC format.")
    samples = [SampleFiles(name, annotations[name][0], tuple(pictures.get(name, ())))
               for name in ids if len(annotations.get(name, ())) == 1]
    if split is None:
        findings += [finding for finding in unusable if finding.kind == "name_unusable"]
        findings += [Finding("xml_deeper", printable(str(inner.relative_to(folder))), None, "")
                     for inner in _folders_within(folder / ANNOTATIONS)]
        findings += [Finding("picture_unannotated", str(path.relative_to(folder)), None, "")
                     for name in sorted(pictures) if name not in annotations for path in pictures[name]]
    return samples, findings


def _folders_within(annotations: Path) -> list[Path]:
    """The folders in it that hold annotations themselves, sorted."""
    return [inner for inner in sorted(annotations.iterdir())
            if inner.is_dir() and not inner.name.startswith(".") and _by_id(inner, (".xml",))[0]]


def annotation_paths(folder: Path) -> list[Path]:
    """Every annotation of a VOC folder, sorted."""
    by_id, _ = _by_id(folder / ANNOTATIONS, (".xml",))
    return [path for paths in by_id.values() for path in paths]


def _by_id(folder: Path, suffixes: tuple[str, ...]) -> tuple[dict[str, list[Path]], list[Finding]]:
    """Files by their name without the ending, sorted; what is wrong with the names of the others."""
    files: dict[str, list[Path]] = {}
    findings = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        name = printable(path.name)
        if name != path.name:
            findings.append(Finding("name_unusable", f"{folder.name}/{name}", None, ""))
            continue
        files.setdefault(composed(path.stem), []).append(path)
    findings += [Finding("duplicate_id", f"{folder.name}/{path.name}", None, f"beside {paths[0].name}")
                for paths in files.values() for path in paths[1:]]
    return files, findings


def _read_split(folder: Path, split: str, annotations: dict[str, list[Path]]) -> tuple[list[str], list[Finding]]:
    """The ids of a list, sorted, each once."""
    path = folder / SPLITS / f"{split}.txt"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in (folder / SPLITS).glob("*.txt"))) or "none at all"
        raise InputError(f"--split={split}: no list {path}; the lists there are: {names}. Write one, a picture's "
                         "name without ending a line, or leave --split out to convert every annotation.")
    where, ids = f"{SPLITS}/{printable(path.name)}", Counter(read_list(path, annotations))
    if not ids:
        raise InputError(f"{path}: no picture is listed in it; expected one name a line.")
    findings = [Finding("xml_missing", where, None, name) for name in sorted(ids) if name not in annotations]
    findings += [Finding("id_repeated", where, None, name) for name, times in sorted(ids.items()) if times > 1]
    return sorted(ids), findings
