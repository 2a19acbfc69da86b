"""model.json: written, found, read back as the same net; what is missing or differs is named."""
import json

import pytest

import tf_extended as tfe
from nets import anchor_sets, model_file, nets_factory
from tf_extended.compat import slim, tf

LABELS = ["cat", "dog"]


def a_net(name="ssd_300_vgg", **options):
    network = nets_factory.get_network(name)
    params = anchor_sets.anchor_params("voc", network.default_params._replace(num_classes=3))
    return network(params, **{"depth_multiplier": 0.25, "batch_norm": True, "initializer": "he", **options})


@pytest.mark.parametrize("name", nets_factory.NETWORKS)
def test_round_trip(tmp_path, name):
    net = a_net(name)
    assert model_file.write_model_file(tmp_path, net, LABELS) == tmp_path / "model.json"
    for place in (tmp_path, tmp_path / "model.json", tmp_path / "model.ckpt-20", tmp_path / "model.ckpt-20.index"):
        again, labels = model_file.network_from_model_file(place)
        assert (type(again), labels) == (type(net), LABELS)
        assert (again.depth_multiplier, again.batch_norm, again.initializer) == (0.25, True, "he")
        assert model_file.describe(again, labels) == model_file.describe(net, LABELS)
        for ours, theirs in zip(net.anchors(), again.anchors(), strict=True):
            assert all((x == y).all() for x, y in zip(ours, theirs, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_a_built_net_describes_itself_as_before():
    net = a_net()
    before = model_file.describe(net, LABELS)
    with tf.Graph().as_default(), slim.arg_scope(net.arg_scope()):
        net.net(tf.zeros([1, 300, 300, 3]))
    assert model_file.describe(net, LABELS) == before


@pytest.mark.parametrize(("labels", "count"), [(["cat"], 1), (["none", "cat", "dog"], 3)])
def test_labels_must_fit_the_classes(labels, count):
    with pytest.raises(tfe.InputError, match=f"{count} labels .*2 classes"):
        model_file.describe(a_net(), labels)


def test_equal_descriptions_pass_whatever_the_initialiser():
    other = model_file.describe(a_net(initializer="xavier"), LABELS)
    assert other != model_file.describe(a_net(), LABELS)
    model_file.check_model(model_file.describe(a_net(), LABELS), other)


@pytest.mark.parametrize(("other", "labels", "field"), [
    (a_net(depth_multiplier=0.5), LABELS, "depth_multiplier is 0.5, not 0.25"),
    (a_net("ssd_512_vgg"), LABELS, "net is ssd_512_vgg, not ssd_300_vgg"),
    (a_net(batch_norm=False), LABELS, "batch_norm is False, not True"),
    (a_net(), ["dog", "cat"], r"labels is \['dog', 'cat'\], not \['cat', 'dog'\]"),
])
def test_differences_are_named(other, labels, field):
    with pytest.raises(tfe.InputError, match=f"train_dir/model.json describes another net.*{field}"):
        model_file.check_model(model_file.describe(a_net(), LABELS), model_file.describe(other, labels),
                               "train_dir/model.json")


def test_other_anchors_are_a_difference():
    net = a_net()
    other = type(net)(net.default_params._replace(num_classes=3), 0.25, True)
    with pytest.raises(tfe.InputError, match=r"params.anchor_sizes is \[\[21.0, 45.0\]"):
        model_file.check_model(model_file.describe(net, LABELS), model_file.describe(other, LABELS))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(tfe.InputError, match=r"model\.json not found"):
        model_file.read_model_file(tmp_path / "model.ckpt-3")
    path = model_file.write_model_file(tmp_path, a_net(), LABELS)
    good = json.loads(path.read_text())
    for text, message in [
        ("{", "not JSON"), ("[]", "not a model description"), (json.dumps({**good, "format": 2}), "format 1"),
        (json.dumps({k: v for k, v in good.items() if k != "labels"}), "lacks labels"),
        (json.dumps({**good, "params": {}}), "lacks params.img_shape"),
    ]:
        path.write_text(text)
        with pytest.raises(tfe.InputError, match=message):
            model_file.network_from_model_file(tmp_path)


def test_a_folder_of_another_net_is_refused_and_one_without_a_description_is_not(tmp_path):
    model_file.check_folder(tmp_path, a_net(), LABELS)
    path = model_file.write_model_file(tmp_path, a_net(), LABELS)
    model_file.check_folder(tmp_path, a_net(), LABELS)
    with pytest.raises(tfe.InputError, match="depth_multiplier") as error:
        model_file.check_folder(tmp_path, a_net(depth_multiplier=0.5), LABELS)
    assert str(path) in str(error.value)


def test_the_way_of_resizing_travels_with_the_model(tmp_path):
    assert model_file.read_interpolation(tmp_path) == "bilinear_slim"
    model_file.write_model_file(tmp_path, a_net(), LABELS, "bilinear")
    assert model_file.read_interpolation(tmp_path / "model.ckpt-3") == "bilinear"
    model_file.check_folder(tmp_path, a_net(), LABELS)  # it is not what makes another net
