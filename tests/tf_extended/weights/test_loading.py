"""What kind a file is, told from its content; every other file is refused in one helpful line."""
import zipfile

import cv2
import h5py
import numpy as np
import pytest

import tf_extended as tfe
from tests.tf_extended.weights.caffe_files import caffemodel
from tests.tf_extended.weights.shapes import random
from tests.tf_extended.weights.test_keras import keras_layers, write
from tests.tf_extended.weights.test_vgg import slim_vgg
from tf_extended.compat import tf
from tf_extended.weights import CAFFE, CHECKPOINT, KERAS, SLIM_VGG, load_weights


def save(path, values: dict[str, np.ndarray], version=tf.train.SaverDef.V2) -> str:
    """A TensorFlow checkpoint with these variables."""
    with tf.Graph().as_default(), tf.Session() as sess:
        for name, value in values.items():
            tf.get_variable(name, initializer=tf.constant(value))
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=version).save(sess, str(path), write_meta_graph=False)
    return str(path)


OWN = {"ssd_300_vgg/conv6/weights": random(3, 3, 2, 2), "ssd_300_vgg/conv6/biases": random(2),
       "ssd_300_vgg/conv6/weights/Momentum": random(3, 3, 2, 2), "global_step": np.int64(7)}


@pytest.mark.parametrize("given", ["", "model.ckpt-7", "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"])
def test_an_own_checkpoint_comes_as_it_is_from_any_of_its_names(tmp_path, given):
    save(tmp_path / "model.ckpt-7", OWN)
    kind, values = load_weights(tmp_path / given, "another_net")
    assert kind is CHECKPOINT and not kind.converted
    assert set(values) == {"ssd_300_vgg/conv6/weights", "ssd_300_vgg/conv6/biases"}
    np.testing.assert_array_equal(values["ssd_300_vgg/conv6/weights"], OWN["ssd_300_vgg/conv6/weights"])


@pytest.mark.parametrize("version, scope", [
    (tf.train.SaverDef.V2, "vgg_16"), (tf.train.SaverDef.V1, "vgg_16"), (tf.train.SaverDef.V2, "my/vgg")])
def test_slims_vgg_comes_under_the_nets_scope(tmp_path, version, scope):
    path = save(tmp_path / "vgg_16.ckpt", slim_vgg(thin=64, scope=scope), version)
    kind, values = load_weights(path, "ssd_512_vgg")
    assert kind is SLIM_VGG and kind.converted
    assert len(values) == 2 * 15 and all(name.startswith("ssd_512_vgg/conv") for name in values)
    assert values["ssd_512_vgg/conv6/weights"].shape == (3, 3, 8, 16)


@pytest.mark.parametrize("scope", ["vgg_16", "my/vgg"])
def test_a_scope_that_a_published_checkpoint_has_not_is_refused(tmp_path, scope):
    path = save(tmp_path / "vgg_16.ckpt", slim_vgg(thin=64, scope=scope))
    for given in (scope, f"{scope}/"):
        assert load_weights(path, "net", given)[0] is SLIM_VGG
    with pytest.raises(tfe.InputError, match=f"--checkpoint_model_scope=nonsense .*vgg_16.ckpt.*; give {scope}, which"):
        load_weights(path, "net", "nonsense")


def test_other_files_have_no_scope(tmp_path):
    path = write(tmp_path / "vgg.h5", keras_layers(32, top=False), "published")
    with pytest.raises(tfe.InputError, match="--checkpoint_model_scope=vgg_16 means nothing for .*Keras.*leave it out"):
        load_weights(path, "net", "vgg_16")


def test_keras_and_caffe_whatever_their_names(tmp_path):
    kind, values = load_weights(write(tmp_path / "downloaded", keras_layers(32, top=False), "published"), "net")
    assert kind is KERAS and "net/conv5/conv5_3/biases" in values
    (tmp_path / "weights.bin").write_bytes(caffemodel({"conv9_2_mbox_conf": [random(84, 8, 3, 3), random(84)]}))
    kind, values = load_weights(tmp_path / "weights.bin", "net")
    assert kind is CAFFE and values["net/block11_box/conv_cls/weights"].shape == (3, 3, 8, 84)


def unusable(tmp_path):
    """(file name, its bytes, what the message says) of files that are no starting point."""
    keras = write(tmp_path / "whole.h5", keras_layers(32), "keras2").read_bytes()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.create_dataset("dense/kernel:0", data=random(3, 4))
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("data.pkl", b"x" * 100)
    caffe = caffemodel({"conv1_1": [random(4, 3, 3, 3), random(4)]})
    return {
        "empty": (b"", "holds no weights: expected a TensorFlow checkpoint"),
        "notes.txt": (b"hello world, these are my weights\n", "none of the files .* expected a TensorFlow checkpoint"),
        "picture.png": (cv2.imencode(".png", np.zeros((5, 5, 3), np.uint8))[1].tobytes(), "none of the files"),
        "torch.pth": ((tmp_path / "model.pth").read_bytes(), "none of the files"),
        "cut.h5": (keras[:2000], "cannot be read as HDF5.* is the file complete"),
        "other.h5": ((tmp_path / "other.h5").read_bytes(), "Keras VGG-16 .HDF5., but none of its layers"),
        "cut.caffemodel": (caffe[:-5], "none of the files .* or is damaged"),
        "caffenet.caffemodel": (caffemodel({"fc6": [random(4, 36)]}), r"another net: .* fc6 .*\[4, 36\].* VGG-16"),
        "alexnet.caffemodel": (caffemodel({"ip1": [random(3, 4)]}), "Caffe model, but none of its layers"),
    }


def test_other_files_are_refused_in_one_line_that_names_them(tmp_path):
    for name, (data, message) in unusable(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(tfe.InputError, match=message) as refused:
            load_weights(path, "net")
        assert str(path) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("error", [
    KeyError("x"), TypeError("x"), UnicodeDecodeError("utf8", b"", 0, 1, "x"), RuntimeError(), OSError()])
def test_whatever_h5py_raises_for_damage_is_told_as_that(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    path = write(tmp_path / "vgg.h5", keras_layers(32, top=False), "published")
    monkeypatch.setattr(h5py.Group, "__getitem__", fail)
    with pytest.raises(tfe.InputError, match="vgg.h5 cannot be read as HDF5 .* is the file complete"):
        load_weights(path, "net")


def test_nothing_there(tmp_path):
    with pytest.raises(tfe.InputError, match="no checkpoint at .*nowhere"):
        load_weights(tmp_path / "nowhere.ckpt", "net")
    with pytest.raises(tfe.InputError, match="no checkpoint in the folder"):
        load_weights(tmp_path, "net")


def test_vgg_19_is_not_taken_for_vgg_16(tmp_path):
    values = slim_vgg(thin=64, scope="vgg_19")
    values["vgg_19/conv3/conv3_4/weights"] = values["vgg_19/conv3/conv3_3/weights"]
    with pytest.raises(tfe.InputError, match="has a layer conv3_4: it is of VGG-19"):
        load_weights(save(tmp_path / "vgg_19.ckpt", values), "ssd_300_vgg")


def test_vgg_19_of_keras_and_of_caffe_is_refused_too(tmp_path):
    deeper = keras_layers(32, top=False) | {"block3_conv4": [random(3, 3, 8, 8), random(8)]}
    write(tmp_path / "vgg19.h5", deeper, "published")
    (tmp_path / "vgg19.caffemodel").write_bytes(
        caffemodel({"conv1_1": [random(4, 3, 3, 3)], "conv3_4": [random(4, 4, 3, 3)]}))
    for name, layer in {"vgg19.h5": "block3_conv4", "vgg19.caffemodel": "conv3_4"}.items():
        with pytest.raises(tfe.InputError, match=f"{name} has a layer {layer}: it is of VGG-19"):
            load_weights(tmp_path / name, "net")


def test_a_first_format_in_several_files(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.get_variable("a/weights", initializer=1.0)
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver([weight], write_version=tf.train.SaverDef.V1, sharded=True).save(
            session, str(tmp_path / "model.ckpt"), write_meta_graph=False)
    kind, values = load_weights(tmp_path, "ssd_300_vgg")
    assert prefix.endswith("-?????-of-00001") and kind.title == "TensorFlow checkpoint"
    assert values == {"a/weights": 1.0}
