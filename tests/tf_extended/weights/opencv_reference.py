"""A Caffe SSD300 with weights from a seed, and how OpenCV's own Caffe importer makes the values of `opencv_ssd300.npz`.

To make them again, with an OpenCV that still reads Caffe: `pip install "opencv-python-headless<5"`, then
`python -m tests.tf_extended.weights.opencv_reference` in the folder of the project.
"""
import tempfile
from pathlib import Path

import cv2
import numpy as np

from tests.tf_extended.weights.caffe_files import caffemodel
from tests.tf_extended.weights.shapes import BLOCKS, caffe_ssd

VALUES = Path(__file__).with_name("opencv_ssd300.npz")
SAMPLE = {"mbox_loc": 97, "mbox_conf": 499}
# (name, pad, stride) of the extra layers; elsewhere the padding is half the kernel and the stride 1.
EXTRA = (("conv6_1", 0, 1), ("conv6_2", 1, 2), ("conv7_1", 0, 1), ("conv7_2", 1, 2),
         ("conv8_1", 0, 1), ("conv8_2", 0, 1), ("conv9_1", 0, 1), ("conv9_2", 0, 1))
SOURCES = ("conv4_3_norm", "fc7", "conv6_2", "conv7_2", "conv8_2", "conv9_2")


def weights() -> dict[str, list[np.ndarray]]:
    """The arrays of every layer, in Caffe's layout, of a size that keeps activations alive."""
    random, layers = np.random.RandomState(0), {}
    for name, shapes in caffe_ssd("300").items():
        layers[name] = [(random.randn(*s) * (np.sqrt(2 / np.prod(s[1:])) if len(s) > 1 else 0.1)).astype(np.float32)
                        for s in shapes]
    layers["conv4_3_norm"][0] += 20
    return layers


def picture() -> np.ndarray:
    """[300, 300, 3] RGB of 0 to 255, float32."""
    return np.random.RandomState(1).uniform(0, 255, (300, 300, 3)).astype(np.float32)


def prototxt(layers: dict[str, list[np.ndarray]]) -> str:
    """Caffe's description of SSD300 up to the concatenated heads."""
    text = ['input: "data" input_dim: 1 input_dim: 3 input_dim: 300 input_dim: 300']

    def add(name: str, kind: str, bottoms: list[str], parameters: str = "", top: str | None = None) -> str:
        text.append(f'layer {{ name: "{name}" type: "{kind}" ' + " ".join(f'bottom: "{b}"' for b in bottoms)
                    + f' top: "{top or name}" {parameters} }}')
        return top or name

    def conv(name: str, bottom: str, pad: int | None = None, stride: int = 1, dilation: int = 1) -> str:
        out, _, side, _ = layers[name][0].shape
        pad = (side - 1) // 2 * dilation if pad is None else pad
        return add(name, "Convolution", [bottom], f"convolution_param {{ num_output: {out} kernel_size: {side} "
                   f"pad: {pad} stride: {stride} dilation: {dilation} }}")

    def relu(name: str) -> str:
        return add(f"{name}_relu", "ReLU", [name], top=name)

    below = "data"
    for block, repeats, _ in BLOCKS:
        for index in range(1, repeats + 1):
            below = relu(conv(f"conv{block}_{index}", below))
        window = "kernel_size: 3 stride: 1 pad: 1" if block == 5 else "kernel_size: 2 stride: 2"
        below = add(f"pool{block}", "Pooling", [below], f"pooling_param {{ pool: MAX {window} }}")
    below = relu(conv("fc7", relu(conv("fc6", below, dilation=6))))
    for name, pad, stride in EXTRA:
        below = relu(conv(name, below, pad, stride))
    add("conv4_3_norm", "Normalize", ["conv4_3"], "norm_param { across_spatial: false channel_shared: false }")
    for head in SAMPLE:
        flat = []
        for source in SOURCES:
            permuted = add(f"{source}_{head}_perm", "Permute", [conv(f"{source}_{head}", source)],
                           "permute_param { order: 0 order: 2 order: 3 order: 1 }")
            flat.append(add(f"{source}_{head}_flat", "Flatten", [permuted], "flatten_param { axis: 1 }"))
        add(head, "Concat", flat, "concat_param { axis: 1 }")
    return "\n".join(text)


def main() -> None:
    """Write the values of OpenCV."""
    layers = weights()
    with tempfile.TemporaryDirectory() as folder:
        description, model = Path(folder, "deploy.prototxt"), Path(folder, "ssd.caffemodel")
        description.write_text(prototxt(layers))
        model.write_bytes(caffemodel(layers))
        net = cv2.dnn.readNetFromCaffe(str(description), str(model))
        net.setInput((picture()[..., ::-1] - np.float32([104, 117, 123])).transpose(2, 0, 1)[None].copy())
        values = dict(zip(SAMPLE, net.forward(list(SAMPLE)), strict=True))
    np.savez_compressed(VALUES, **{name: value.reshape(-1)[::SAMPLE[name]] for name, value in values.items()})


if __name__ == "__main__":
    main()
