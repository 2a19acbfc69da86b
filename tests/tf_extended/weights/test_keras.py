"""Keras applications' VGG-16: every layout of its files, true shapes, forward values with Keras itself."""
import subprocess
import sys

import h5py
import numpy as np
import pytest

from tests.tf_extended.weights.shapes import random, vgg_convs
from tests.tf_extended.weights.test_vgg import body_features
from tf_extended.weights import KERAS, load_weights
from tf_extended.weights.keras import read_keras


def keras_layers(thin: int = 1, top: bool = True) -> dict[str, list[np.ndarray]]:
    """Kernel and bias of each layer of keras.applications.VGG16."""
    shapes = {f"block{b}_conv{i}": (3, 3, below, out) for b, i, below, out in vgg_convs(thin)}
    if top:
        wide = 4096 // thin
        shapes |= {"fc1": (49 * 512 // thin, wide), "fc2": (wide, wide), "predictions": (wide, 1000)}
    return {name: [random(*shape), random(shape[-1], seed=1)] for name, shape in shapes.items()}


LAYOUTS = {
    "published": lambda layer, _, part: f"{layer}/{layer}_{'W' if part == 0 else 'b'}_1:0",
    "keras2": lambda layer, _, part: f"{layer}/{layer}/{'kernel' if part == 0 else 'bias'}:0",
    "nested": lambda layer, _, part: f"model_weights/{layer}/vgg16/{layer}/{'kernel' if part == 0 else 'bias'}",
    "keras3": lambda _, counted, part: f"layers/{counted}/vars/{part}",
}


def counted_name(layer: str, index: int) -> str:
    kind, start = ("conv2d", 0) if layer.startswith("block") else ("dense", 13)
    return kind if index == start else f"{kind}_{index - start}"


def write(path, layers, layout: str):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array(list(layers), "S")
        for index, (layer, arrays) in enumerate(layers.items()):
            for part, array in enumerate(arrays):
                file.create_dataset(LAYOUTS[layout](layer, counted_name(layer, index), part), data=array)
        file.create_dataset("optimizer_weights/block1_conv1/kernel", data=random(3, 3, 3, 2, seed=9))
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("top", [True, False])
def test_every_layout(tmp_path, layout, top):
    layers = keras_layers(thin=32, top=top)
    read = read_keras(write(tmp_path / "w.h5", layers, layout))
    assert len(read) == 2 * (15 if top else 13)
    np.testing.assert_array_equal(read["conv4/conv4_2/weights"], layers["block4_conv2"][0])
    np.testing.assert_array_equal(read["conv4/conv4_2/biases"], layers["block4_conv2"][1])
    # Keras' network wants BGR: its channel 2 is our channel 0.
    np.testing.assert_array_equal(read["conv1/conv1_1/weights"][:, :, 0], layers["block1_conv1"][0][:, :, 2])
    if top:
        assert read["conv6/weights"].shape == (3, 3, 16, 32) and read["conv7/weights"].shape == (1, 1, 32, 32)
        # Place (6, 3) of 7 x 7, input 5, output 8: flattened as rows, columns, channels.
        assert read["conv6/weights"][2, 1, 5, 2] == layers["fc1"][0][(6 * 7 + 3) * 16 + 5, 8]
        assert read["conv7/weights"][0, 0, 3, 4] == layers["fc2"][0][12, 16]


def test_true_shape_without_top(tmp_path):
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    kind, values = load_weights(write(path, keras_layers(top=False), "published"), "net")
    assert kind is KERAS
    expected = {f"net/conv{b}/conv{b}_{i}/weights": (3, 3, below, out) for b, i, below, out in vgg_convs()}
    assert {name: v.shape for name, v in values.items() if name.endswith("weights")} == expected


@pytest.mark.slow
def test_true_shape_of_the_top(tmp_path):
    with h5py.File(tmp_path / "top.h5", "w") as file:
        # Filled datasets take no room on the disk.
        for layer, shape in {"fc1": (25088, 4096), "fc2": (4096, 4096)}.items():
            kernel = file.create_dataset(f"{layer}/{layer}/kernel:0", shape, "f4", chunks=(512, 64), fillvalue=0.5)
            kernel[0, 0] = 7.0
            file.create_dataset(f"{layer}/{layer}/bias:0", data=np.arange(4096, dtype=np.float32))
    read = read_keras(tmp_path / "top.h5")
    assert read["conv6/weights"].shape == (3, 3, 512, 1024) and read["conv7/weights"].shape == (1, 1, 1024, 1024)
    assert read["conv6/weights"][0, 0, 0, 0] == 7.0 and read["conv6/weights"][1, 0, 0, 0] == 0.5
    np.testing.assert_array_equal(read["conv7/biases"], np.arange(0, 4096, 4))


@pytest.mark.parametrize("layout", ["keras2", "keras3"])
@pytest.mark.parametrize("fc1, fc2", [((16 * 16, 20), (20, 20)), ((16, 20), (20, 20)), ((49 * 16, 20), (24, 20)),
                                      ((49 * 32, 20), (20, 20)), ((49 * 16, 20), (20, 20, 1))])
def test_a_top_that_is_not_vggs_is_left_out(tmp_path, layout, fc1, fc2):
    layers = keras_layers(thin=32, top=False)
    layers |= {name: [random(*shape), random(20)] for name, shape in {"fc1": fc1, "fc2": fc2}.items()}
    read = read_keras(write(tmp_path / "own.h5", layers, layout))
    assert len(read) == 2 * 13 and not any("fc" in name or "conv6" in name for name in read)


def test_other_networks_of_keras_give_nothing(tmp_path):
    layers = {f"conv{i}": [random(3, 3, 2, 2), random(2)] for i in range(5)}
    assert read_keras(write(tmp_path / "named.h5", layers, "keras2")) == {}
    with h5py.File(tmp_path / "counted.weights.h5", "w") as file:
        for i in range(5):
            file.create_dataset(f"layers/conv2d{f'_{i}' if i else ''}/vars/0", data=random(3, 3, 2, 2))
    assert read_keras(tmp_path / "counted.weights.h5") == {}


KERAS_PROGRAM = """
import sys
import keras
import numpy as np
folder = sys.argv[1]
keras.utils.set_random_seed(1)
whole = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
rgb = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
features = keras.Model(whole.input, whole.get_layer("block5_conv3").output)
given = keras.applications.vgg16.preprocess_input(rgb.copy())
np.savez(folder + "/values.npz", rgb=rgb, features=features.predict(given, verbose=0))
whole.save_weights(folder + "/vgg.weights.h5")
whole.save(folder + "/vgg_whole.h5")
"""


@pytest.mark.slow
def test_keras_itself_gives_the_same_features(tmp_path):
    subprocess.run([sys.executable, "-c", KERAS_PROGRAM, str(tmp_path)], check=True, capture_output=True)
    values = np.load(tmp_path / "values.npz")
    image = values["rgb"] - np.float32([123.68, 116.779, 103.939])
    for name in ("vgg.weights.h5", "vgg_whole.h5"):
        kind, weights = load_weights(tmp_path / name, "net")
        assert kind is KERAS
        np.testing.assert_allclose(
            body_features(image, weights), values["features"], atol=np.abs(values["features"]).max() * 1e-4)
