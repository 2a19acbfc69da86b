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
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tf_extended.messages import declare
from tf_extended.weights.vgg import BLOCK_CONVS, FC6_SIDE, Weights, conv_name, reduce_fc, swap_red_and_blue

_NetParameter = declare({
    "BlobShape": {"dim": (1, "int64", "repeated")},
    "BlobProto": {"num": (1, "int32", "optional"), "channels": (2, "int32", "optional"),
                  "height": (3, "int32", "optional"), "width": (4, "int32", "optional"),
                  "data": (5, "float", "repeated"), "shape": (7, "BlobShape", "optional"),
                  "double_data": (8, "double", "repeated")},
    "V1LayerParameter": {"name": (4, "bytes", "optional"), "blobs": (6, "BlobProto", "repeated")},
    "LayerParameter": {"name": (1, "bytes", "optional"), "blobs": (7, "BlobProto", "repeated")},
    "NetParameter": {"layers": (2, "V1LayerParameter", "repeated"), "layer": (100, "LayerParameter", "repeated")},
}, "NetParameter")

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
    """The arrays of every layer that has any, by the layer's name, in Caffe's layout. Raises DecodeError."""
    net = _NetParameter.FromString(data)
    return {layer.name.decode("utf-8", "replace"): [_as_array(blob) for blob in layer.blobs]
            for layer in (*net.layers, *net.layer) if layer.blobs}


def _as_array(blob: Any) -> np.ndarray:
    values = np.array(blob.data or blob.double_data, np.float32)
    shape = list(blob.shape.dim) if blob.HasField("shape") else [
        getattr(blob, side) if blob.HasField(side) else 1 for side in ("num", "channels", "height", "width")]
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise DecodeError(f"a blob of shape {shape} has {values.size} values")
    return values.reshape(shape)


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
