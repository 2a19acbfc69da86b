"""slim's MobileNet-v1 for the tests: its variables at true shapes, and what they compute, from the article's table."""
import numpy as np

from tests.tf_extended.weights.shapes import random
from tf_extended.compat import tf

# (stride, channels) of the blocks 0 to 13, table 1 of arXiv 1704.04861.
BLOCKS = ((2, 32), (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), (1, 512), (1, 512), (1, 512), (1, 512),
          (1, 512), (2, 1024), (1, 1024))
EPSILON = 0.001


def slim_mobilenet(width: float = 1.0, scope: str = "MobilenetV1", extras: bool = True) -> dict[str, np.ndarray]:
    """Variables of slim's checkpoint; with `extras` also its averages, RMSProp's slots and the step."""
    values, below = {}, 3
    for number, (_, channels) in enumerate(BLOCKS):
        out = int(channels * width)
        layers = {"Conv2d_0": ("weights", (3, 3, 3, out), 27)} if number == 0 else {
            f"Conv2d_{number}_depthwise": ("depthwise_weights", (3, 3, below, 1), 9),
            f"Conv2d_{number}_pointwise": ("weights", (1, 1, below, out), below)}
        for layer, (kind, shape, inputs) in layers.items():
            drawn = np.random.default_rng([number, *shape])
            values[f"{scope}/{layer}/{kind}"] = drawn.normal(0, np.sqrt(2 / inputs), shape)
            size = shape[2] if kind == "depthwise_weights" else out
            # Some variances are only ten times epsilon, so that a wrong one shows.
            numbers = {"beta": drawn.normal(0.3, 0.3, size), "gamma": drawn.uniform(0.3, 0.9, size),
                       "moving_mean": drawn.normal(0, 0.1, size), "moving_variance": 10 ** drawn.uniform(-2, 1, size)}
            values |= {f"{scope}/{layer}/BatchNorm/{name}": value for name, value in numbers.items()}
        below = out
    values = {name: value.astype(np.float32) for name, value in values.items()}
    values |= {f"{scope}/Logits/Conv2d_1c_1x1/weights": random(1, 1, below, 1001),
               f"{scope}/Logits/Conv2d_1c_1x1/biases": random(1001)}
    if extras:
        for name, value in list(values.items()):
            slots = [] if "moving" in name else ["RMSProp", "RMSProp_1", "ExponentialMovingAverage"]
            values |= {f"{name}/{slot}": value + 1 for slot in slots}
        values["global_step"] = np.int64(12345)
    return values


def features(values: dict[str, np.ndarray], pixels: np.ndarray, scope: str = "MobilenetV1") -> dict[str, np.ndarray]:
    """The outputs of the separable blocks by name, for RGB pixels from 0 to 255, [B, H, W, 3]."""
    def normalised(net, layer):
        beta, gamma, mean, variance = (values[f"{scope}/{layer}/BatchNorm/{name}"]
                                       for name in ("beta", "gamma", "moving_mean", "moving_variance"))
        return tf.clip_by_value((net - mean) / np.sqrt(variance + EPSILON) * gamma + beta, 0.0, 6.0)

    outputs = {}
    with tf.Graph().as_default(), tf.Session() as sess:
        net = tf.constant(pixels * (2 / 255) - 1, tf.float32)
        net = normalised(tf.nn.conv2d(net, values[f"{scope}/Conv2d_0/weights"], 2, "SAME"), "Conv2d_0")
        for number, (stride, _) in enumerate(BLOCKS[1:], 1):
            depthwise, pointwise = f"Conv2d_{number}_depthwise", f"Conv2d_{number}_pointwise"
            net = normalised(tf.nn.depthwise_conv2d(net, values[f"{scope}/{depthwise}/depthwise_weights"],
                                                    [1, stride, stride, 1], "SAME"), depthwise)
            net = normalised(tf.nn.conv2d(net, values[f"{scope}/{pointwise}/weights"], 1, "SAME"), pointwise)
            outputs[pointwise] = net
        return sess.run(outputs)
