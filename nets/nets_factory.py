"""Nets by name. A new net is one module and one line here."""
import importlib

import tf_extended as tfe

NETWORKS = {
    "ssd_300_vgg": "nets.ssd_vgg_300",
    "ssd_512_vgg": "nets.ssd_vgg_512",
    "ssd_300_mobilenet_v1": "nets.ssd_mobilenet_v1_300",
}


def get_network(name: str):
    """The `SSDNet` class of the net called `name`; a tfe.InputError that lists the known names for any other."""
    if name not in NETWORKS:
        raise tfe.InputError(f"unknown network {name!r}; known: {', '.join(NETWORKS)}")
    return importlib.import_module(NETWORKS[name]).SSDNet
