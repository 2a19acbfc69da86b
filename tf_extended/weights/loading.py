"""What kind of file a starting point is, told from its content, and its values under the toolkit's names.

The kinds: a TensorFlow checkpoint (the toolkit's own or anybody's with its names), slim's `vgg_16.ckpt` and
`mobilenet_v1_….ckpt`, Keras applications' VGG-16 in HDF5, Caffe models. Which of the values fit a net is not decided
here.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from tf_extended import checkpoints
from tf_extended.console import InputError
from tf_extended.weights import mobilenet, vgg
from tf_extended.weights.caffe import from_caffe, read_layers
from tf_extended.weights.keras import read_keras


@dataclass(frozen=True)
class Kind:
    """A kind of starting point. `converted`: its values were brought under the net's scope and layouts."""

    title: str
    converted: bool = True


CHECKPOINT = Kind("TensorFlow checkpoint", converted=False)
SLIM_VGG = Kind("slim's VGG-16 checkpoint")
KERAS = Kind("Keras VGG-16 (HDF5)")
CAFFE = Kind("Caffe model")
ACCEPTED = ("a TensorFlow checkpoint (folder, prefix, .index or .data file), slim's vgg_16.ckpt or mobilenet_v1 .ckpt, "
            "Keras applications' VGG16 .h5, or a Caffe .caffemodel of SSD or VGG-16")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def load_weights(
    path: str | Path, net_scope: str, model_scope: str | None = None
) -> tuple[Kind, dict[str, np.ndarray]]:
    """(kind, values by variable name) of a published or own file of weights.

    Values of published networks come under `net_scope` (`ssd_300_vgg`), as HWIO and for RGB, ready for variables of
    these names; those of a TensorFlow checkpoint come under the names that they have in it, whatever the scope.
    `path` is whatever `checkpoints.find_checkpoint` takes. `model_scope`, where it is given: the scope that a published
    network has in the file. Raises InputError for another scope, for a file of another kind, a damaged one, VGG-19, and
    a network that has nothing in common with VGG-16 or SSD. The kind is one of the constants above, or of a slim
    MobileNet one whose title states the width.
    """
    path = checkpoints.find_checkpoint(path, any_file=True)
    if not Path(path).is_file() or checkpoints.is_first_format(path):  # a prefix, of either format, or one file
        stored = checkpoints.read_checkpoint(path)
        kind, converted, scope = _from_slim(stored, path)
        if not kind.converted:
            return kind, stored
    else:
        (kind, converted), scope = _read_file(Path(path)), None
    if model_scope and model_scope.rstrip("/") != scope:
        what = f"give {scope}, which the net in it has, or leave it out" if scope else "leave it out"
        raise InputError(f"--checkpoint_model_scope={model_scope} means nothing for {path} ({kind.title}); {what}")
    if not converted:
        raise InputError(f"{path} is a {kind.title}, but none of its layers is one of VGG-16 or SSD by name")
    return kind, {f"{net_scope}/{name}": values for name, values in converted.items()}


def _from_slim(stored: dict[str, np.ndarray], path: str) -> tuple[Kind, dict[str, np.ndarray], str | None]:
    """What a TensorFlow checkpoint holds: a network that slim has published, without its scope, or CHECKPOINT; and that
    scope.
    """
    if (scope := vgg.slim_scope(stored)) is not None:
        vgg.refuse_deeper((part for name in stored for part in name.split("/")), path)
        return SLIM_VGG, vgg.from_slim(stored, scope), scope
    if (scope := mobilenet.slim_scope(stored)) is not None:
        converted = mobilenet.from_slim(stored, scope)
        width = mobilenet.depth_multiplier(converted)
        return Kind(f"slim's MobileNet-v1 checkpoint of --depth_multiplier={width:g}"), converted, scope
    return CHECKPOINT, stored, None


def _read_file(path: Path) -> tuple[Kind, dict[str, np.ndarray]]:
    with path.open("rb") as file:
        is_hdf5 = file.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC
    if is_hdf5:
        try:
            return KERAS, read_keras(path)
        except InputError:
            raise
        except (OSError, RuntimeError, ValueError, TypeError, LookupError) as error:  # all of them h5py's, for damage
            raise InputError(f"{path} cannot be read as HDF5 ({error}); is the file complete?") from None
    try:
        layers = read_layers(path.read_bytes())
    except DecodeError as error:
        raise InputError(f"{path} is none of the files that training can start from, or is damaged ({error}): expected "
                         f"{ACCEPTED}") from None
    if not layers:
        raise InputError(f"{path} holds no weights: expected {ACCEPTED}")
    vgg.refuse_deeper(layers, path)
    try:
        return CAFFE, from_caffe(layers)
    except ValueError as error:
        raise InputError(f"{path} is a Caffe model of another net: {error}. The body of SSD is VGG-16: give a model of "
                         "that, or of SSD") from None
