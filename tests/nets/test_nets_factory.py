"""Nets by name, built from plain values."""
import pytest

import tf_extended as tfe
from nets import nets_factory


def test_a_network_is_built_as_asked():
    net = nets_factory.build_network("ssd_300_vgg", 4, 0.5, True, "voc")
    assert (net.name, net.params.num_classes, net.depth_multiplier, net.batch_norm) == ("ssd_300_vgg", 4, 0.5, True)
    assert net.params.anchor_sizes[0] == (30, 60)
    published = nets_factory.build_network("ssd_512_vgg", 21)
    assert published.params == published.default_params
    assert (published.depth_multiplier, published.batch_norm) == (1.0, False)
    assert nets_factory.build_network("ssd_300_mobilenet_v1", 21).batch_norm
    with pytest.raises(tfe.InputError, match="--nobatch_norm: ssd_300_mobilenet_v1 has batch normalisation always"):
        nets_factory.build_network("ssd_300_mobilenet_v1", 21, batch_norm=False)
