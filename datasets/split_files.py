"""A split on disk: shards `{family}_{split}_{000}.tfrecord` and the `{family}_{split}.json` that describes them.

Names, writing and reading of the description, and finding what lies in a folder. Whether the shards are whole is
`shard_checks`' job; that they appear all at once is `publishing`'s.
"""
import json
import re
from pathlib import Path

from datasets.label_maps import check_labels
from tf_extended.console import InputError

FORMAT = 1
SAMPLES_PER_FILE = 200
_DESCRIPTION = {"format": int, "name": str, "num_samples": int, "labels": list, "objects": dict, "difficult": dict}


def shard_name(name: str, number: int) -> str:
    """File name of the split's shard `number` (from 0)."""
    return f"{name}_{number:03d}.tfrecord"


def description_name(name: str) -> str:
    """File name of the split's description."""
    return f"{name}.json"


def find_shards(folder: str | Path, name: str, gaps: bool = False) -> list[Path]:
    """The split's shards in their order; InputError where one is missing in between, unless `gaps` are allowed.

    Exactly this split's: `voc_train_extra_000.tfrecord` is none of `voc_train`.
    """
    pattern = re.compile(re.escape(name) + r"_(\d{3,})\.tfrecord", re.ASCII)
    found = {int(match[1]): path for path in Path(folder).iterdir() if (match := pattern.fullmatch(path.name))}
    for number in range(max(found, default=-1)):
        if number not in found and not gaps:
            raise InputError(f"{Path(folder) / shard_name(name, number)}: this shard is missing, while later ones are "
                             "there; copy it there, or convert the data again.")
    return [found[number] for number in sorted(found)]


def find_splits(folder: str | Path) -> list[str]:
    """Names ({family}_{split}) of everything in a folder that is described or has a first shard, sorted."""
    paths = list(Path(folder).iterdir())
    described = {path.stem for path in paths if path.suffix == ".json" and not path.name.endswith(".report.json")
                 and _is_description(path)}
    sharded = {path.name.removesuffix("_000.tfrecord") for path in paths if path.name.endswith("_000.tfrecord")}
    return sorted(described | sharded)


def _is_description(path: Path) -> bool:
    """Whether a JSON file means to be a description, of whatever version: other JSON may lie beside the shards."""
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(contents, dict) and "num_samples" in contents and contents.get("name") == path.stem


def describe_split(name: str, labels: tuple[str, ...], num_samples: int, objects: dict[str, int],
                   difficult: dict[str, int], source: str) -> dict:
    """The description; `objects` counts difficult ones too; every class is in both counts."""
    return {"format": FORMAT, "name": name, "num_samples": num_samples, "labels": list(labels),
            "objects": {label: objects.get(label, 0) for label in labels},
            "difficult": {label: difficult.get(label, 0) for label in labels}, "source": source}


def save_split(path: Path, description: dict) -> None:
    """Write a description as JSON."""
    path.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_split(path: str | Path) -> dict:
    """Read and check a description; InputError names the file and what is wrong with it."""
    path = Path(path)
    again = "convert the data again with this version of the toolkit."
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a readable split description ({error}); {again}") from None
    version = description.get("format") if isinstance(description, dict) else None
    if version != FORMAT:
        raise InputError(f"{path}: its format is {version!r}, this toolkit reads format {FORMAT}; {again}")
    for key, kind in _DESCRIPTION.items():
        if not isinstance(description.get(key), kind) or isinstance(description.get(key), bool):
            raise InputError(f"{path}: {key!r} is {description.get(key)!r}, expected {kind.__name__}; {again}")
    check_labels(description["labels"], str(path))
    return description
