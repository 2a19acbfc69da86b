"""Caffe models for the tests, written by Google's protobuf library from the field numbers of Caffe's schema."""
from collections.abc import Sequence

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
OPTIONAL, REPEATED = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED
# message → [(name, number, type, label, packed or message's name)]
SCHEMA = {
    "BlobShape": [("dim", 1, FIELD.TYPE_INT64, REPEATED, True)],
    "BlobProto": [
        ("num", 1, FIELD.TYPE_INT32, OPTIONAL, None), ("channels", 2, FIELD.TYPE_INT32, OPTIONAL, None),
        ("height", 3, FIELD.TYPE_INT32, OPTIONAL, None), ("width", 4, FIELD.TYPE_INT32, OPTIONAL, None),
        ("data", 5, FIELD.TYPE_FLOAT, REPEATED, True), ("diff", 6, FIELD.TYPE_FLOAT, REPEATED, True),
        ("shape", 7, FIELD.TYPE_MESSAGE, OPTIONAL, "BlobShape"), ("double_data", 8, FIELD.TYPE_DOUBLE, REPEATED, True)],
    "LayerParameter": [
        ("name", 1, FIELD.TYPE_STRING, OPTIONAL, None), ("type", 2, FIELD.TYPE_STRING, OPTIONAL, None),
        ("bottom", 3, FIELD.TYPE_STRING, REPEATED, None), ("loss_weight", 5, FIELD.TYPE_FLOAT, REPEATED, False),
        ("blobs", 7, FIELD.TYPE_MESSAGE, REPEATED, "BlobProto")],
    "V1LayerParameter": [
        ("bottom", 2, FIELD.TYPE_STRING, REPEATED, None), ("name", 4, FIELD.TYPE_STRING, OPTIONAL, None),
        ("type", 5, FIELD.TYPE_INT32, OPTIONAL, None), ("blobs", 6, FIELD.TYPE_MESSAGE, REPEATED, "BlobProto"),
        ("blobs_lr", 7, FIELD.TYPE_FLOAT, REPEATED, False)],
    "NetParameter": [
        ("name", 1, FIELD.TYPE_STRING, OPTIONAL, None), ("input", 3, FIELD.TYPE_STRING, REPEATED, None),
        ("layers", 2, FIELD.TYPE_MESSAGE, REPEATED, "V1LayerParameter"),
        ("layer", 100, FIELD.TYPE_MESSAGE, REPEATED, "LayerParameter")],
}


def _messages(packed: bool) -> dict:
    """The message classes; `packed=False` writes every float as a field of its own, as old files do."""
    package = f"caffe_{'packed' if packed else 'unpacked'}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for title, rows in SCHEMA.items():
        message = file.message_type.add(name=title)
        for name, number, kind, label, more in rows:
            field = message.field.add(name=name, number=number, type=kind, label=label)
            if isinstance(more, str):
                field.type_name = f".{package}.{more}"
            elif more is not None:
                field.options.packed = more and packed
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {title: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{title}"))
            for title in SCHEMA}


def caffemodel(layers: dict[str, Sequence[np.ndarray]], generation: str = "layer", packed: bool = True,
               legacy_shape: bool = False, double: bool = False) -> bytes:
    """A NetParameter with these arrays (Caffe's layout) by the layer's name; `generation` is `layer` or `layers`."""
    net = _messages(packed)["NetParameter"](name="test", input=["data"])
    for name, arrays in layers.items():
        layer = getattr(net, generation).add(name=name, bottom=["below"])
        getattr(layer, "loss_weight" if generation == "layer" else "blobs_lr").extend([1.0, 2.0])
        for array in arrays:
            blob = layer.blobs.add()
            (blob.double_data if double else blob.data).extend(array.reshape(-1).tolist())
            if legacy_shape:
                blob.num, blob.channels, blob.height, blob.width = ([1] * (4 - array.ndim)) + list(array.shape)
            else:
                blob.shape.dim.extend(array.shape)
    return net.SerializeToString()
