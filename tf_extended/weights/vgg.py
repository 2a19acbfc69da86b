"""VGG-16 as published (ImageNet, three fully connected layers) → the body of SSD, by name and shape.

Liu et al. 2016, section 3: fc6 and fc7 become convolutions by subsampling their parameters; DeepLab-LargeFOV (Chen et
al. 2015, arXiv 1412.7062, section 3.2) is the source of that. Reading files is the other modules' job.
"""
import re
from collections.abc import Iterable

import numpy as np

from tf_extended.console import InputError

Weights = dict[str, np.ndarray]

# Convolutions of the blocks 1 to 5.
REPEATS = (2, 2, 3, 3, 3)
BLOCK_CONVS = tuple((block, i) for block, repeats in enumerate(REPEATS, 1) for i in range(1, repeats + 1))
# A convolution of the blocks 1 to 5 as slim and Caffe (conv3_4) or Keras (block3_conv4) name it.
_BLOCK_CONV = re.compile(r"(?:conv([1-5])_|block([1-5])_conv)(\d)")
# fc6 looks at 7 x 7 places, conv6 at every third of them; of the 4096 channels of fc6 and fc7 every fourth stays.
FC6_SIDE, STEP, CHANNEL_STEP = 7, 3, 4


def conv_name(block: int, index: int) -> str:
    """The toolkit's scope of a convolution of VGG's blocks, which is also slim's: `conv1/conv1_1`."""
    return f"conv{block}/conv{block}_{index}"


def refuse_deeper(layers: Iterable[str], path: object) -> None:
    """Raise InputError where a file has a convolution that VGG-16 lacks: without it those behind it are useless."""
    for layer in layers:
        found = _BLOCK_CONV.fullmatch(layer)
        if found and (int(found[1] or found[2]), int(found[3])) not in BLOCK_CONVS:
            raise InputError(f"{path} has a layer {layer}: it is of VGG-19 or another net; the body of SSD is VGG-16")


def swap_red_and_blue(weights: np.ndarray) -> np.ndarray:
    """First-layer weights [h, w, 3, out] of a network for BGR pictures, for RGB ones; and back."""
    return weights[:, :, ::-1]


def fully_connected_as_conv(weights: np.ndarray, side: int) -> np.ndarray:
    """[side * side * in, out], of inputs flattened as rows, columns, channels → [side, side, in, out]."""
    return weights.reshape(side, side, -1, weights.shape[-1])


def reduce_fc(fc6: np.ndarray, fc6_biases: np.ndarray, fc7: np.ndarray, fc7_biases: np.ndarray) -> Weights:
    """Weights of the atrous conv6 and of conv7 from those of VGG-16's fc6 and fc7.

    fc6 [7, 7, in, out], fc7 [1, 1, out, out2] → conv6 [3, 3, in, out / 4], conv7 [1, 1, out / 4, out2 / 4]. With three
    of seven places a side and every fourth channel, conv6 at three times its dilation sees what fc6 saw.
    """
    # Copies, so that the 400 MB of fc6 need not stay in memory.
    return {
        "conv6/weights": fc6[::STEP, ::STEP, :, ::CHANNEL_STEP].copy(), "conv6/biases": fc6_biases[::CHANNEL_STEP],
        "conv7/weights": fc7[:, :, ::CHANNEL_STEP, ::CHANNEL_STEP].copy(), "conv7/biases": fc7_biases[::CHANNEL_STEP],
    }


def from_slim(stored: Weights, scope: str) -> Weights:
    """slim's `vgg_16` checkpoint, whose variables are under `scope`, without the classifier."""
    converted = {}
    for block, index in BLOCK_CONVS:
        for part in ("weights", "biases"):
            name = f"{conv_name(block, index)}/{part}"
            if f"{scope}/{name}" in stored:
                converted[name] = stored[f"{scope}/{name}"]
    fully = [f"{scope}/{layer}/{part}" for layer in ("fc6", "fc7") for part in ("weights", "biases")]
    if all(name in stored for name in fully):
        converted |= reduce_fc(*(stored[name] for name in fully))
    return converted


def slim_scope(stored: Weights) -> str | None:
    """The scope under which a checkpoint holds slim's VGG-16, recognised by fc6 of 7 x 7; None for another net."""
    for name, values in stored.items():
        if name.endswith("/fc6/weights") and values.shape[:2] == (FC6_SIDE, FC6_SIDE):
            return name.removesuffix("/fc6/weights")
    return None
