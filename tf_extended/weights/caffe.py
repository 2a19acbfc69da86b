"""Caffe models (`.caffemodel`): SSD300 and SSD512 as published, VGG-16 reduced-fc or whole → toolkit names.

1. `read_layers`: the file's layers and their arrays, in both generations of the format (fields `layer` = 100 and
   `layers` = 2 of NetParameter; blobs with a shape, or with num, channels, height, width).
2. `from_caffe`: to the toolkit's names and layouts: OIHW → HWIO, BGR → RGB in the first layer, fc6 and fc7 subsampled
   where they are still VGG-16's.

Heads go over as they are. Caffe's permuted and flattened head has the channels anchor * 4 + (x, y, w, h) and anchor *
classes + class, as the toolkit's reshaped one has; offsets are encoded with the same variances; the anchors of a place
come in the same order: smallest size, geometric mean with the next one, ratios 2, 1/2, 3, 1/3. The sizes are those of
the `voc` anchor set for VOC models. Anything but weights (the network's description, means) is not read.
"""
import math
from collections.abc import Iterator

import numpy as np

from tf_extended.weights import wire
from tf_extended.weights.vgg import BLOCK_CONVS, FC6_SIDE, Weights, conv_name, reduce_fc, swap_red_and_blue

# (field of NetParameter) → fields of a layer: its name, its blobs.
_GENERATIONS = {100: (1, 7), 2: (4, 6)}
# Fields of BlobProto.
_LEGACY_DIMS, _DATA, _SHAPE, _DOUBLE_DATA = (1, 2, 3, 4), 5, 7, 8

# Caffe's number of an extra block, and the toolkit's.
_EXTRA_BLOCKS = {6: 8, 7: 9, 8: 10, 9: 11, 10: 12}
_HEADS = {"conv4_3_norm": "block4_box", "fc7": "block7_box"} | {
    f"conv{theirs}_2": f"block{ours}_box" for theirs, ours in _EXTRA_BLOCKS.items()}
L2_NORM, GAMMA = "conv4_3_norm", "block4_box/L2Normalization/gamma"


def _layer_names() -> dict[str, str]:
    names = {f"conv{block}_{i}": conv_name(block, i) for block, i in BLOCK_CONVS} | {"fc6": "conv6", "fc7": "conv7"}
    for theirs, ours in _EXTRA_BLOCKS.items():
        # The last block of SSD-512 has a kernel of 4 x 4, because 3 x 3 would not cover its input.
        names |= {f"conv{theirs}_1": f"block{ours}/conv1x1",
                  f"conv{theirs}_2": f"block{ours}/conv{'4x4' if ours == 12 else '3x3'}"}
    for theirs, ours in _HEADS.items():
        names |= {f"{theirs}_mbox_loc": f"{ours}/conv_loc", f"{theirs}_mbox_conf": f"{ours}/conv_cls"}
    return names


LAYER_NAMES = _layer_names()


def read_layers(data: bytes) -> dict[str, list[np.ndarray]]:
    """The arrays of every layer that has any, by the layer's name, in Caffe's layout. Raises wire.WireError."""
    layers = {}
    for number, value in wire.fields(memoryview(data)):
        if number in _GENERATIONS and isinstance(value, memoryview):
            name, blobs = _read_layer(value, *_GENERATIONS[number])
            if blobs:
                layers[name] = blobs
    return layers


def _read_layer(data: memoryview, name_field: int, blobs_field: int) -> tuple[str, list[np.ndarray]]:
    name, blobs = "", []
    for number, value in wire.fields(data):
        if isinstance(value, memoryview):
            if number == name_field:
                name = bytes(value).decode("utf-8", "replace")
            elif number == blobs_field:
                blobs.append(_read_blob(value))
    return name, blobs


def _read_blob(data: memoryview) -> np.ndarray:
    legacy, shape, chunks = {}, None, []
    for number, value in wire.fields(data):
        if number in _LEGACY_DIMS and isinstance(value, int):
            legacy[number] = value
        elif number == _SHAPE and isinstance(value, memoryview):
            shape = list(_dims(value))
        elif number in (_DATA, _DOUBLE_DATA) and not isinstance(value, int):
            dtype = "<f4" if number == _DATA else "<f8"
            chunks.append(value if isinstance(value, np.ndarray) else _packed(value, dtype))
    values = np.concatenate(chunks).astype(np.float32) if chunks else np.zeros(0, np.float32)
    if shape is None:
        shape = [legacy.get(dim, 1) for dim in _LEGACY_DIMS]
    if math.prod(shape) != values.size:
        raise wire.WireError(f"a blob of shape {shape} has {values.size} values")
    return values.reshape(shape)


def _packed(data: memoryview, dtype: str) -> np.ndarray:
    if len(data) % np.dtype(dtype).itemsize:
        raise wire.WireError("packed floats are cut short")
    return np.frombuffer(data, dtype)


def _dims(data: memoryview) -> Iterator[int]:
    """The numbers of a BlobShape: field 1, packed or not."""
    for _, value in wire.fields(data):
        if isinstance(value, memoryview):
            yield from wire.varints(value)
        elif isinstance(value, int):
            yield value


def from_caffe(layers: dict[str, list[np.ndarray]]) -> Weights:
    """The layers that SSD knows, under the toolkit's names without the net's scope, in its layouts.

    Empty where the model is of another network. Raises ValueError for a layer that has the name of one of SSD's, but
    cannot be one by its shape.
    """
    converted = {}
    for theirs, ours in LAYER_NAMES.items():
        if theirs in layers:
            kernel, *biases = layers[theirs]
            converted[f"{ours}/weights"] = _as_hwio(theirs, kernel, FC6_SIDE if theirs == "fc6" else 1)
            converted |= {f"{ours}/biases": b.reshape(-1) for b in biases}
    if L2_NORM in layers:
        converted[GAMMA] = layers[L2_NORM][0].reshape(-1)
    if "conv1/conv1_1/weights" in converted:
        converted["conv1/conv1_1/weights"] = swap_red_and_blue(converted["conv1/conv1_1/weights"])
    fully = [f"{layer}/{part}" for layer in ("conv6", "conv7") for part in ("weights", "biases")]
    if all(name in converted for name in fully) and converted["conv6/weights"].shape[:2] == (FC6_SIDE, FC6_SIDE):
        converted |= reduce_fc(*(converted[name] for name in fully))
    return converted


def _as_hwio(layer: str, kernel: np.ndarray, side: int) -> np.ndarray:
    """[out, in, h, w] → [h, w, in, out]; also of a fully connected [out, in * side * side], in Caffe's order."""
    if kernel.ndim not in (2, 4) or not kernel.size:
        raise ValueError(f"its layer {layer} is of shape {list(kernel.shape)}, where a convolution has four sides")
    if kernel.ndim == 2 or kernel.shape[:2] == (1, 1):
        if kernel.shape[-1] % side ** 2:
            raise ValueError(f"its layer {layer} is of shape {list(kernel.shape)}, where VGG-16's looks at {side} x "
                             f"{side} places, so that {side ** 2} divides the last number")
        kernel = kernel.reshape(kernel.shape[-2], -1, side, side)
    return kernel.transpose(2, 3, 1, 0)
