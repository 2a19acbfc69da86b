"""VGG-16 of `keras.applications`, HDF5 files with and without the top → toolkit names.

All layouts that Keras has written: datasets `block1_conv1/block1_conv1_W_1:0` (the published files),
`block1_conv1/block1_conv1/kernel:0` (Keras 2), the same without `:0` and below `model_weights` (whole models), and
`layers/conv2d_1/vars/0` (Keras 3, whose layers are counted, in the order of the network). So a dataset is known by the
layer in its path and by its rank.
"""
import re
from pathlib import Path

import h5py
import numpy as np

from tf_extended.weights.vgg import (
    BLOCK_CONVS,
    FC6_SIDE,
    Weights,
    conv_name,
    fully_connected_as_conv,
    reduce_fc,
    refuse_deeper,
    swap_red_and_blue,
)

# Keras' layer → slim's, from which the toolkit's fully connected layers are made.
CONVS = {f"block{block}_conv{i}": conv_name(block, i) for block, i in BLOCK_CONVS}
LAYERS = CONVS | {"fc1": "fc6", "fc2": "fc7"}
# Keras 3 counts `conv2d`, `conv2d_1`, …: the convolutions in the order of the network, then fc1, fc2, the classifier.
COUNTED = dict(zip(["conv2d", *(f"conv2d_{i}" for i in range(1, len(CONVS)))], CONVS.values(), strict=True)) | {
    "dense": "fc6", "dense_1": "fc7"}
_IS_COUNTED = re.compile(r"(?:^|/)layers/(\w+)/vars/\d+$")


def read_keras(path: str | Path) -> Weights:
    """The convolutions of the file and, where it has VGG-16's top, conv6 and conv7 reduced from fc1 and fc2.

    For whitened RGB: these networks were converted from Caffe and want BGR, so the first layer is turned round. A
    file that is not of VGG-16 gives an empty dict. Raises OSError for a damaged file, InputError for VGG-19.
    """
    found = _read_layers(path)
    if "conv1/conv1_1/weights" in found:
        found["conv1/conv1_1/weights"] = swap_red_and_blue(found["conv1/conv1_1/weights"])
    fully = [found.pop(f"{layer}/{part}", None) for layer in ("fc6", "fc7") for part in ("weights", "biases")]
    below = found.get("conv5/conv5_3/biases")
    if all(values is not None for values in fully) and _is_vgg_top(*fully, None if below is None else below.size):
        fc6, fc6_biases, fc7, fc7_biases = fully
        found |= reduce_fc(
            fully_connected_as_conv(fc6, FC6_SIDE), fc6_biases, fully_connected_as_conv(fc7, 1), fc7_biases)
    return found


def _is_vgg_top(fc6: np.ndarray, fc6_biases: np.ndarray, fc7: np.ndarray, fc7_biases: np.ndarray,
                channels: int | None) -> bool:
    """Whether two layers are VGG-16's by shape, for so many channels below them; for any where that is not known.

    Own classifiers on VGG-16's convolutions have layers of these names too.
    """
    places = FC6_SIDE ** 2
    return (fc6.ndim == fc7.ndim == 2 and fc6.shape[1] == fc6_biases.size == fc7.shape[0]
            and fc7.shape[1] == fc7_biases.size
            and (fc6.shape[0] == places * channels if channels else fc6.shape[0] % places == 0))


def _read_layers(path: str | Path) -> Weights:
    """Kernels and biases under slim's names, in Keras' shapes."""
    found: Weights = {}
    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        refuse_deeper((part for name in names for part in name.split("/")), path)
        for name in names:
            layer = _layer_of(name, names)
            if layer is not None:
                values = np.asarray(file[name], np.float32)
                found[f"{layer}/{'biases' if values.ndim == 1 else 'weights'}"] = values
    return found


def _layer_of(name: str, names: list[str]) -> str | None:
    """slim's name of the layer to which a dataset of the file belongs, None for one that is not needed."""
    if "optimizer" in name:
        return None
    named = next((LAYERS[part] for part in name.split("/") if part in LAYERS), None)
    counted = _IS_COUNTED.search(name)
    if named or not counted:
        return named
    # Counted layers could be anybody's: only a file with VGG-16's number of convolutions is taken for it.
    layers = {found.group(1) for found in map(_IS_COUNTED.search, names) if found}
    convolutions = sum(layer.startswith("conv2d") for layer in layers)
    return COUNTED.get(counted.group(1)) if convolutions == len(CONVS) else None
