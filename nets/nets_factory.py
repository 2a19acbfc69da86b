"""Nets by name. A new net is one module and one line here."""
import importlib

import tf_extended as tfe
from nets.anchor_sets import anchor_params

NETWORKS = {
    "ssd_300_vgg": "nets.ssd_vgg_300",
    "ssd_512_vgg": "nets.ssd_vgg_512",
    "ssd_300_mobilenet_v1": "nets.ssd_mobilenet_v1_300",
}


def get_network(name: str):
    """The `SSDNet` class of the net called `name`; a tfe.InputError that lists the known names for any other.

    And for a net that is entered under another name than its own.
    """
    if name not in NETWORKS:
        raise tfe.InputError(f"unknown network {name!r}; known: {', '.join(NETWORKS)}")
    net = importlib.import_module(NETWORKS[name]).SSDNet
    if net.name != name:  # checkpoints and model.json carry the net's own name, and could not be read again
        raise tfe.InputError(f"the net of {NETWORKS[name]} is named {net.name!r}, but NETWORKS in {__name__} calls it "
                             f"{name!r}; use one name")
    return net


def check_batch_norm(net_class: type, batch_norm: bool | None) -> None:
    """Raise tfe.InputError where a body that always has batch normalisation is asked to have none; None: nothing is."""
    if batch_norm is False and net_class.body_has_batch_norm:
        raise tfe.InputError(f"--nobatch_norm: {net_class.name} has batch normalisation always; leave it out")


def build_network(name: str, num_classes: int, depth_multiplier: float = 1.0, batch_norm: bool | None = None,
                  anchors: str | None = None):
    """The net called `name` for so many classes, background included: for checkpoints without a model.json.

    batch_norm: as published unless given. anchors: as `anchor_sets.anchor_params` takes them; the net's own unless
    given. Raises tfe.InputError as that does, and as `get_network`, `check_batch_norm` and the net do.
    """
    net_class = get_network(name)
    check_batch_norm(net_class, batch_norm)
    params = net_class.default_params._replace(num_classes=num_classes)
    return net_class(anchor_params(anchors, params) if anchors else params, depth_multiplier, bool(batch_norm))
