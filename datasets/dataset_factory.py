"""From a data set's name, split and folder to a slim Dataset.

1. Find the split's shards and description in each folder. `pascalvoc_2007` and `pascalvoc_2012` are the families
   `voc_2007` and `voc_2012`, whose shards are read without a description too: older converters wrote none.
2. Check them: nothing that would fail hours later in the input queue may pass (`shard_checks`).
3. Join several folders into one set (VOC07+12), if their label maps are the same.

Not its job: flags, preprocessing, batching.
"""
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from datasets.label_maps import labels_to_names
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.publishing import is_unfinished
from datasets.shard_checks import check_shards
from datasets.split_files import description_name, find_shards, find_splits, load_split
from datasets.tfrecord_format import make_decoder
from tf_extended.compat import PATTERN, slim, tf
from tf_extended.console import InputError
from tf_extended.files import check_utf8

# Documented names → (family, classes where there is no description).
DOCUMENTED = {"pascalvoc_2007": ("voc_2007", VOC_CLASSES), "pascalvoc_2012": ("voc_2012", VOC_CLASSES)}
_WITHOUT_DESCRIPTION = dict(DOCUMENTED.values())

# What may not be in a shard's path: commas separate folders.
UNREADABLE = PATTERN | {","}

_ITEMS_TO_DESCRIPTIONS = {
    "image": "A picture, uint8 [H, W, 3].",
    "shape": "Its shape, int64 [3].",
    "filename": "Its id, '' where the shard has none.",
    "encoded": "The picture as its file's bytes.",
    "object/bbox": "Boxes, float32 [N, 4]: ymin, xmin, ymax, xmax relative to the picture.",
    "object/label": "Class ids, int64 [N], from 1.",
    "object/difficult": "1 for objects marked difficult, int64 [N].",
    "object/truncated": "1 for objects marked truncated, int64 [N].",
}


class _Part(NamedTuple):
    """One split in one folder."""

    folder: Path
    name: str
    shards: list[Path]
    labels: tuple[str, ...]
    description: dict | None
    num_samples: int


def get_dataset(name: str | None, split_name: str, dataset_dir: str | Path, file_pattern: str | None = None,
                reader: type | None = None) -> slim.dataset.Dataset:
    """A split as a slim Dataset, checked.

    name: the family (`{family}_{split}.json`), a documented name (pascalvoc_2007), or None where each folder holds one
    data set with that split. dataset_dir: a folder, or several separated by commas, which are read as one set; `name`
    may then be as many names. file_pattern: a glob for the shards, with %s for the split, instead of the usual names.
    reader: a TensorFlow reader class.

    The Dataset's items are those of `tfrecord_format.make_decoder`; besides num_samples it has num_classes (without
    background), labels_to_names ({0: 'none', …}) and split (the description, or None). Raises InputError, naming the
    file, for anything missing, damaged or contradictory.
    """
    parts = [_open_part(one, split_name, folder, file_pattern) for one, folder in _pair(name, dataset_dir)]
    for part in parts[1:]:
        if part.labels != parts[0].labels:
            raise InputError(f"{part.folder}: its label map {list(part.labels)} is not that of {parts[0].folder} "
                             f"{list(parts[0].labels)}; convert both with the same --labels.")
    labels = parts[0].labels
    # Sorted: the one order in which everybody counts pictures, whatever the order of the folders.
    shards = sorted((shard for part in parts for shard in part.shards), key=str)
    if twice := [path for path, times in Counter(shard.resolve() for shard in shards).items() if times > 1]:
        raise InputError(f"{twice[0]} is in the data set twice; name each folder, and each family in it, once.")
    return slim.dataset.Dataset(
        data_sources=[str(shard) for shard in shards],
        reader=reader or tf.TFRecordReader,
        decoder=make_decoder(),
        num_samples=sum(part.num_samples for part in parts),
        items_to_descriptions=_ITEMS_TO_DESCRIPTIONS,
        num_classes=len(labels),
        labels_to_names=labels_to_names(labels),
        split=_join([part.description for part in parts]),
    )


def check_classes(dataset: slim.dataset.Dataset, reference: slim.dataset.Dataset, what: str) -> None:
    """Raise InputError, naming the data set `what`, unless its classes are all or the first of those of `reference`."""
    if not dataset.labels_to_names.items() <= reference.labels_to_names.items():
        there, here = (", ".join(list(one.labels_to_names.values())[1:]) for one in (dataset, reference))
        raise InputError(f"{what} has the classes {there}, the training {here}; convert both with the same --labels")


def _pair(name: str | None, dataset_dir: str | Path) -> list[tuple[str | None, Path]]:
    """Names with folders: as many of one as of the other, or one for all."""
    folders = [Path(folder.strip()).expanduser() for folder in str(dataset_dir or "").split(",") if folder.strip()]
    names = [one.strip() for one in (name or "").split(",") if one.strip()] or [None]
    if not folders:
        raise InputError("--dataset_dir is not given; expected the folder of the TFRecord shards.")
    for folder in folders:
        check_utf8(folder, "--dataset_dir ")
        if not folder.is_dir():
            raise InputError(f"--dataset_dir {folder}: no such folder; expected one with TFRecord shards, "
                             "made by tf_convert_data.py.")
        if bad := UNREADABLE.intersection(str(folder)):
            raise InputError(f"--dataset_dir {folder}: TensorFlow takes {' '.join(sorted(bad))} in a path for a "
                             "pattern; rename the folder.")
    if len(names) > 1 and len(folders) > 1 and len(names) != len(folders):
        raise InputError(f"--dataset_name has {len(names)} names, --dataset_dir {len(folders)} folders; give as "
                         "many of one as of the other, or one for all.")
    count = max(len(names), len(folders))
    return list(zip(names * (count // len(names)), folders * (count // len(folders)), strict=True))


def _open_part(name: str | None, split_name: str, folder: Path, file_pattern: str | None) -> _Part:
    family = DOCUMENTED[name][0] if name in DOCUMENTED else name or _only_family(folder, split_name)
    full_name = f"{family}_{split_name}"
    if file_pattern:
        pattern = file_pattern % split_name if "%s" in file_pattern else file_pattern
        shards = sorted(folder.glob(pattern))
    else:
        shards = find_shards(folder, full_name)
    path = folder / description_name(full_name)
    if not shards:
        there = ", ".join(find_splits(folder)) or "none"
        raise InputError(f"{folder}: no shard of {full_name}; data sets there: {there}. "
                         "Check --dataset_name and --dataset_split_name, or convert the data first.")
    description = load_split(path) if path.is_file() else None
    if description is None and is_unfinished(folder, full_name):
        raise InputError(f"{folder}: the conversion of {full_name} did not end; run it again.")
    if description is None and family not in _WITHOUT_DESCRIPTION:
        raise InputError(f"{path}: the description of the shards beside it is missing; convert the data again.")
    labels = tuple(description["labels"]) if description else _WITHOUT_DESCRIPTION[family]
    num_samples = check_shards(shards, len(labels), description, path)
    return _Part(folder, full_name, shards, labels, description, num_samples)


def _only_family(folder: Path, split_name: str) -> str:
    """The one family in a folder that has this split."""
    names = find_splits(folder)
    families = [name.removesuffix(f"_{split_name}") for name in names if name.endswith(f"_{split_name}")]
    if len(families) == 1:
        return families[0]
    if families:
        raise InputError(f"{folder}: several data sets have a split {split_name!r}: {', '.join(families)}; "
                         "choose one with --dataset_name.")
    raise InputError(f"{folder}: no data set with a split {split_name!r}; there are: {', '.join(names) or 'none'}. "
                     "Check --dataset_dir and --dataset_split_name, or convert the data first.")


def _join(descriptions: list[dict | None]) -> dict | None:
    """One description of all parts, with their counts added; None where a part has none."""
    if None in descriptions:
        return None
    first, *others = descriptions
    joined = dict(first, name="+".join(part["name"] for part in descriptions),
                  source="; ".join(str(part.get("source")) for part in descriptions),
                  num_samples=sum(part["num_samples"] for part in descriptions))
    for key in ("objects", "difficult"):
        joined[key] = {label: sum(part[key].get(label, 0) for part in descriptions) for label in first["labels"]}
    return joined if others else first
