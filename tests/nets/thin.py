"""Thin nets of every kind, for what does not depend on their width."""
import numpy as np

from nets import image_size, nets_factory
from tf_extended.compat import slim

SMALL = 264  # the smallest pictures that all nets take, where values are computed that do not depend on sizes


def thin(name, num_classes=3, size=None, **options):
    network = nets_factory.get_network(name)
    params = image_size.params_for_image_size(network, size) if size else network.default_params
    return network(params._replace(num_classes=num_classes), **{"depth_multiplier": 0.05, **options})


def build(net, inputs, data_format="NHWC", **arguments):
    with slim.arg_scope(net.arg_scope(data_format=data_format)):
        return net.net(inputs, **arguments)


def noise(net, batch=1):
    return np.random.RandomState(0).uniform(-120, 130, (batch, *net.params.img_shape, 3)).astype(np.float32)
