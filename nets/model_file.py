"""`model.json`, beside the checkpoints: which net made them. Evaluation and detection take it from there.

A checkpoint holds numbers only. With other anchors, classes or widths than those of training the same numbers mean
nothing, or worse, nearly the same: so what the net was built from is stored, and compared where somebody states it
again. Not this module's job: variables (TensorFlow's checkpoints), flags (`run.json`), what each field must be
(`nets.model_schema`).
"""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tf_extended as tfe
from nets import anchor_sets, model_schema, nets_factory
from nets.ssd import SSDNet, SSDParams
from tf_extended.files import write_json

NAME, FORMAT = "model.json", 1
# The documented pipeline's resampling, which every checkpoint from elsewhere was trained with.
DEFAULT_INTERPOLATION = "bilinear_slim"
# The training's flags, by the field that they decide. Another image size makes other anchors too.
DECIDED_BY = {"net": "--model_name", "depth_multiplier": "--depth_multiplier", "batch_norm": "--batch_norm",
              "params.num_classes": "--num_classes", "params.img_shape": "--train_image_size",
              **{f"params.{field}": "--anchors" for field in anchor_sets.FIELDS}}
REMEDY = "take the file that the training wrote beside its checkpoints"


def describe(ssd_net: SSDNet, labels: Sequence[str], interpolation: str = DEFAULT_INTERPOLATION) -> dict[str, Any]:
    """What rebuilds `ssd_net`, as JSON types. `labels`: the names of classes 1 … num_classes - 1, without background.

    `interpolation`: how pictures are to be resized for this net, a name of the preprocessing's.
    Raises tfe.InputError where their number is not that of the net's classes.
    """
    if len(labels) != ssd_net.params.num_classes - 1:
        raise tfe.InputError(f"{len(labels)} labels ({', '.join(labels)}) for a net of "
                             f"{ssd_net.params.num_classes - 1} classes: expected one each, and none for background")
    params = ssd_net.params._replace(feat_shapes=[list(shape[:2]) for shape in ssd_net.params.feat_shapes])
    description = {
        "format": FORMAT, "net": ssd_net.name, "depth_multiplier": ssd_net.depth_multiplier,
        "batch_norm": ssd_net.batch_norm, "initializer": ssd_net.initializer, "params": params._asdict(),
        "labels": list(labels), "interpolation": interpolation,
    }
    return json.loads(json.dumps(description))


def find_model_file(path: str | Path) -> Path:
    """The model.json for `path`: the file itself, or the one in that folder, or beside that checkpoint.

    The file need not exist.
    """
    path = Path(path)
    if path.suffix == ".json":
        return path
    return (path if path.is_dir() else path.parent) / NAME


def write_model_file(path: str | Path, ssd_net: SSDNet, labels: Sequence[str],
                     interpolation: str = DEFAULT_INTERPOLATION) -> Path:
    """Write model.json into the folder `path`, which exists; whole or not at all. Returns the file's path.

    Raises tfe.InputError for a net that could not be read back: better before a training than behind it.
    """
    target, description = find_model_file(path), describe(ssd_net, labels, interpolation)
    wrong = model_schema.problems(description)
    if wrong:
        raise tfe.InputError(f"{ssd_net.name} cannot be described in {target}: {'. '.join(wrong)}. Give other params")
    write_json(target, description)
    return target


def read_model_file(path: str | Path) -> dict[str, Any]:
    """The description in the model.json for `path` (`find_model_file`).

    Raises tfe.InputError where there is none, or one that this version cannot read.
    """
    target = find_model_file(path)
    if not target.is_file():
        raise tfe.InputError(f"{target} not found: it is written beside the checkpoints by the training")
    try:
        description = json.loads(target.read_text(encoding="utf-8"))
    except ValueError as error:
        raise tfe.InputError(f"{target} is not JSON ({error}); {REMEDY}") from None
    if not isinstance(description, dict) or "format" not in description:
        raise tfe.InputError(f"{target} is {model_schema.shown(description)}; expected an object with the format and "
                             f"the fields of a net; {REMEDY}")
    if description["format"] != FORMAT:
        raise tfe.InputError(f"{target}: format is {model_schema.shown(description['format'])}; expected {FORMAT}, the "
                             "only one that this version reads; use the version of the toolkit that wrote it")
    wrong = model_schema.problems(description)
    if wrong:
        raise tfe.InputError(f"{target}: {'. '.join(wrong)}. To do: {REMEDY}")
    return description


def network_from_model_file(path: str | Path) -> tuple[SSDNet, list[str]]:
    """The net, and the names of its classes, that the model.json for `path` describes. Raises as `read_model_file`."""
    description = read_model_file(path)
    params = SSDParams(**{field: description["params"][field] for field in SSDParams._fields})
    params = params._replace(img_shape=tuple(params.img_shape))
    try:
        net = nets_factory.get_network(description["net"])(
            params, description["depth_multiplier"], description["batch_norm"], description["initializer"])
    except tfe.InputError as error:
        raise tfe.InputError(f"{find_model_file(path)}: {error}. To do: {REMEDY}") from None
    return net, description["labels"]


def read_interpolation(path: str | Path) -> str:
    """How pictures are to be resized for the net at `path`: as its model.json says, or the documented way."""
    if not find_model_file(path).is_file():
        return DEFAULT_INTERPOLATION
    return read_model_file(path).get("interpolation", DEFAULT_INTERPOLATION)


def check_model(expected: dict[str, Any], found: dict[str, Any], where: str | Path = NAME) -> None:
    """Raise a tfe.InputError that names every field in which two descriptions differ; `where` is the place of `found`.

    The initialiser does not count: it says how training began, not what a checkpoint means.
    """
    expected, found = _flat(expected), _flat(found)
    differing = [field for field in {**expected, **found} if expected.get(field) != found.get(field)]
    if differing:
        facts = [f"{field} is {model_schema.shown(found.get(field))}, not {model_schema.shown(expected.get(field))}"
                 for field in differing]
        raise tfe.InputError(f"{where} describes another net: {'; '.join(facts)}. Give {_flags_of(differing)} that it "
                             "was trained with, or another checkpoint")


def notes(path: str | Path, ssd_net: SSDNet, labels: Sequence[str]) -> list[str]:
    """Warnings for fine-tuning `ssd_net` for `labels` from the heads of a checkpoint at `path`.

    Other anchors and other classes are allowed, heads can learn both, but seldom meant.
    """
    then = read_model_file(path)["labels"] if find_model_file(path).is_file() else []
    found = [note_on_anchors(path, ssd_net)]
    if len(then) == len(labels) and list(then) != list(labels):
        found.append(f"NOTE: {path} knows the classes {', '.join(then)}, this training {', '.join(labels)}; what tells "
                     "them apart must be learned anew.")
    return [note for note in found if note]


def note_on_anchors(path: str | Path, ssd_net: SSDNet) -> str | None:
    """A warning for fine-tuning `ssd_net` from the checkpoint at `path`, if its model.json tells of other anchors.

    Without a model.json it is one from elsewhere, whose data tell its anchors: those of Caffe's scripts for VOC or for
    COCO, which models fine-tuned from COCO's kept.
    """
    if not find_model_file(path).is_file():
        return (f"NOTE: nothing beside {path} tells its anchors; this training takes {_name_of(ssd_net)}. Published "
                "SSDs have --anchors=voc where they saw VOC alone, --anchors=coco where COCO or fine-tuned from COCO's "
                "(`_ft_` in the name).")
    now, then = describe(ssd_net, [""] * (ssd_net.params.num_classes - 1))["params"], read_model_file(path)["params"]
    fields = [field for field in ("img_shape", *anchor_sets.FIELDS)
              if _rounded(now[field]) != _rounded(then[field])]
    if not fields:
        return None
    facts = "; ".join(f"{field} {model_schema.shown(then[field])} there, {model_schema.shown(now[field])} here"
                      for field in fields)
    return (f"NOTE: {path} was trained with other anchors ({facts}); its heads must learn anew what offsets mean. "
            "Give its --anchors and image size to keep them.")


def _name_of(ssd_net: SSDNet) -> str:
    sizes = ssd_net.params.anchor_sizes
    named = (name for name, rows in anchor_sets.NAMED.items() if len(sizes) in rows
             and _rounded(anchor_sets.anchor_params(name, ssd_net.params).anchor_sizes) == _rounded(sizes))
    return next(named, "others than the named ones")


def _flags_of(fields: Sequence[str]) -> str:
    if "params.img_shape" in fields:  # which decides the anchors' pixels too
        fields = [field for field in fields if DECIDED_BY.get(field) != "--anchors"]
    flags = dict.fromkeys(DECIDED_BY[field] for field in fields if field in DECIDED_BY)
    return f"the {', '.join(flags)}" if flags else "the flags"


def check_folder(folder: str | Path, ssd_net: SSDNet, labels: Sequence[str]) -> None:
    """Raise a tfe.InputError where the folder's model.json describes other classes or another net than these.

    Pass where it has none.
    """
    if not find_model_file(folder).is_file():
        return
    found = read_model_file(folder)
    if list(found["labels"]) != list(labels):
        raise tfe.InputError(f"{folder} holds a training for the classes {', '.join(found['labels'])}; this one is for "
                             f"{', '.join(labels)}. Give another --train_dir; to begin with the weights that are "
                             f"there, --checkpoint_path={folder} with it")
    check_model(describe(ssd_net, labels), found, find_model_file(folder))


def describe_training(folder: str | Path, ssd_net: SSDNet, labels: Sequence[str], interpolation: str,
                      resumes: bool) -> None:
    """Write the model.json of a training's folder; where a run `resumes`, keep the one of its beginning.

    That one must have passed `check_folder`. Its interpolation is what may change, for all checkpoints there: that is
    said, and which flag has no effect any more.
    """
    if not resumes or not find_model_file(folder).is_file():
        write_model_file(folder, ssd_net, labels, interpolation)
        return
    found = read_model_file(folder)
    before = found.get("interpolation", DEFAULT_INTERPOLATION)
    if found["initializer"] != ssd_net.initializer:
        tfe.say(f"NOTE: --initializer={ssd_net.initializer} has no effect: the weights in {folder} began with "
                f"{found['initializer']}")
    if before != interpolation:
        tfe.say(f"NOTE: with this augmentation, pictures are resized by {interpolation} where the checkpoints in "
                f"{folder} are used, those that are there already too; until now it was {before}")
        write_json(find_model_file(folder), found | {"interpolation": interpolation})


def _flat(description: dict[str, Any]) -> dict[str, Any]:
    fields = {field: description[field] for field in model_schema.FIELDS if field not in ("params", "initializer")}
    return {**fields, **{f"params.{field}": _rounded(value) for field, value in description["params"].items()}}


def _rounded(value: Any) -> Any:
    """Numbers as they are meant: 45 pixels of 300 scaled to 512 are 76.80000000000001, and 15 % of 512 are 76.8."""
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
