"""slim's MobileNet-v1 as published (ImageNet, all widths) → the body of `ssd_300_mobilenet_v1`.

Howard et al. 2017, arXiv 1704.04861. The body keeps slim's names and layouts, so only the scope in front of them
changes. Reading files is the other modules' job.
"""
from tf_extended.weights.vgg import Weights

BODY = "MobilenetV1"
_LAST = "Conv2d_13_pointwise/weights"
_PUBLISHED_CHANNELS = 1024  # of the last block at full width
_SSD_HEAD = "_box/conv_cls/weights"


def slim_scope(stored: Weights) -> str | None:
    """The scope under which a checkpoint holds slim's MobileNet-v1, most often `MobilenetV1`, recognised by its last
    block; None for another net, and for one of the toolkit's own SSDs, which has slim's names too.
    """
    if any(name.endswith(_SSD_HEAD) for name in stored):
        return None
    for name in stored:
        if f"/{name}".endswith(f"/{BODY}/{_LAST}"):
            return name.removesuffix(f"/{_LAST}")
    return None


def from_slim(stored: Weights, scope: str) -> Weights:
    """Everything under `scope`, under `MobilenetV1` instead; the classifier too, which no SSD has a variable for."""
    return {f"{BODY}{name.removeprefix(scope)}": values for name, values in stored.items()
            if name.startswith(f"{scope}/")}


def depth_multiplier(converted: Weights) -> float:
    """The width of the network that `from_slim` brought over: 1, .75, .5 or .25 of the published ones."""
    return converted[f"{BODY}/{_LAST}"].shape[-1] / _PUBLISHED_CHANNELS
