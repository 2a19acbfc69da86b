"""Shapes of the published networks, from the articles, not from the code under test."""
import json

import numpy as np

from tests.shared_data import GOLDEN

# (block, convolutions, channels) of VGG-16.
BLOCKS = ((1, 2, 64), (2, 2, 128), (3, 3, 256), (4, 3, 512), (5, 3, 512))


def vgg_convs(thin: int = 1) -> list[tuple[int, int, int, int]]:
    """(block, index, channels in, channels out) of VGG-16's thirteen convolutions; channels divided by `thin`."""
    convs, below = [], 3
    for block, repeats, channels in BLOCKS:
        for index in range(1, repeats + 1):
            convs.append((block, index, below, channels // thin))
            below = channels // thin
    return convs


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """Small reproducible float32 values."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape, np.float32) * np.float32(0.05)


def variables_of(net: str) -> dict[str, list[int]]:
    """Variable name → shape, of the golden list of `300` or `512`."""
    rows = json.loads((GOLDEN / f"vars_{net}.json").read_text())["global_variables"]
    return {name: shape for name, shape, _ in rows}


def caffe_ssd(net: str) -> dict[str, list[tuple[int, ...]]]:
    """Caffe layer → shapes of its arrays, of SSD300 or SSD512 for VOC: 21 classes, out x in x h x w."""
    layers = {f"conv{b}_{i}": (out, below, 3) for b, i, below, out in vgg_convs()}
    layers |= {"fc6": (1024, 512, 3), "fc7": (1024, 1024, 1)}
    layers |= {"conv6_1": (256, 1024, 1), "conv6_2": (512, 256, 3), "conv7_1": (128, 512, 1), "conv7_2": (256, 128, 3)}
    for block in (8, 9, 10)[:2 if net == "300" else 3]:
        layers |= {f"conv{block}_1": (128, 256, 1), f"conv{block}_2": (256, 128, 4 if block == 10 else 3)}
    heads = [("conv4_3_norm", 512, 4), ("fc7", 1024, 6), ("conv6_2", 512, 6), ("conv7_2", 256, 6)]
    heads += [("conv8_2", 256, 4), ("conv9_2", 256, 4)] if net == "300" else [
        ("conv8_2", 256, 6), ("conv9_2", 256, 4), ("conv10_2", 256, 4)]
    for name, below, anchors in heads:
        layers |= {f"{name}_mbox_loc": (anchors * 4, below, 3), f"{name}_mbox_conf": (anchors * 21, below, 3)}
    shapes = {name: [(out, below, side, side), (out,)] for name, (out, below, side) in layers.items()}
    return shapes | {"conv4_3_norm": [(512,)]}
