"""model.json: written, found, read back as the same net; what is missing or differs is named."""
import json

import pytest

import tf_extended as tfe
from nets import anchor_sets, model_file, nets_factory
from nets.image_size import params_for_image_size
from tf_extended.compat import slim, tf

LABELS = ["cat", "dog"]


def a_net(name="ssd_300_vgg", **options):
    network = nets_factory.get_network(name)
    params = anchor_sets.anchor_params("voc", network.default_params._replace(num_classes=3))
    return network(params, **{"depth_multiplier": 0.25, "batch_norm": True, "initializer": "he", **options})


def with_params(**fields):
    net = a_net()
    return type(net)(net.params._replace(**fields), 0.25, True, "he")


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


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    params = nets_factory.get_network("ssd_300_vgg").default_params._replace(num_classes=3, anchor_sizes=[(30.0,)] * 6)
    with pytest.raises(tfe.InputError, match=r"ssd_300_vgg cannot be .*params.anchor_sizes is .*expected a list of \["):
        model_file.write_model_file(tmp_path, nets_factory.get_network("ssd_300_vgg")(params), LABELS)
    assert not list(tmp_path.iterdir())


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
    (a_net("ssd_512_vgg"), LABELS, 'net is "ssd_512_vgg", not "ssd_300_vgg"'),
    (a_net(batch_norm=False), LABELS, "batch_norm is false, not true"),
    (a_net(), ["dog", "cat"], r'labels is \["dog", "cat"\], not \["cat", "dog"\]'),
])
def test_differences_are_named(other, labels, field):
    with pytest.raises(tfe.InputError, match=f"train_dir/model.json describes another net.*{field}"):
        model_file.check_model(model_file.describe(a_net(), LABELS), model_file.describe(other, labels),
                               "train_dir/model.json")


@pytest.mark.parametrize(("other", "labels", "flag"), [
    (a_net(depth_multiplier=0.5, batch_norm=False), LABELS, "Give the --depth_multiplier, --batch_norm that it was"),
    (a_net(), ["dog", "cat"], "Give the flags that it was"),
    (with_params(anchor_offset=0.4, anchor_ratios=[[2, 0.5]] * 6), LABELS, "Give the --anchors that it was"),
    (with_params(anchor_steps=[9] * 6, img_shape=(301, 301)), LABELS, "Give the --train_image_size that it was"),
])
def test_the_flags_that_would_make_them_equal_are_named(other, labels, flag):
    with pytest.raises(tfe.InputError, match=flag):
        model_file.check_model(model_file.describe(a_net(), LABELS), model_file.describe(other, labels))


def test_other_anchors_are_a_difference():
    net = a_net()
    other = type(net)(net.default_params._replace(num_classes=3), 0.25, True)
    with pytest.raises(tfe.InputError, match=r"params.anchor_sizes is \[\[21.0, 45.0\].*Give the --anchors that"):
        model_file.check_model(model_file.describe(net, LABELS), model_file.describe(other, LABELS))


@pytest.mark.parametrize(("text", "message"), [
    ("", r"is not JSON \(Expecting value"),
    ("{", "is not JSON"),
    ("\x00\x01", "is not JSON"),
    ("[]", r"is \[\]; expected an object with the format"),
    ('"ssd_300_vgg"', r'is "ssd_300_vgg"; expected an object with the format'),
    ('{"net": "ssd_300_vgg"}', r'is \{"net": "ssd_300_vgg"\}; expected an object with the format'),
    ('{"format": 2}', "format is 2; expected 1, the only one that this version reads; use the version of the toolkit"),
    ('{"format": "1"}', 'format is "1"; expected 1'),
])
def test_a_file_that_is_no_description_is_named_with_what_to_do(tmp_path, text, message):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(tfe.InputError, match=message) as refused:
        model_file.network_from_model_file(tmp_path / "model.ckpt-3.index")
    assert str(path) in str(refused.value)
    assert "take the file that the training wrote" in str(refused.value) or "use the version" in str(refused.value)


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "model.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(tfe.InputError, match=r"model\.json is not JSON .*take the file"):
        model_file.read_model_file(tmp_path)


def test_no_file_is_told_with_its_place(tmp_path):
    with pytest.raises(tfe.InputError, match=r"model\.json not found: it is written beside the checkpoints"):
        model_file.read_model_file(tmp_path / "model.ckpt-3")


@pytest.mark.parametrize(("field", "value", "message"), [
    ("labels", None, "labels is null; expected a list of names"),
    ("net", "ssd_300_resnet", "unknown network 'ssd_300_resnet'; known: ssd_300_vgg"),
    ("initializer", "zeros", "initializer is 'zeros'; expected one of xavier, he"),
])
def test_every_reader_names_file_key_and_remedy(tmp_path, field, value, message):
    path = model_file.write_model_file(tmp_path, a_net(), LABELS)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(tfe.InputError, match=message) as refused:
        model_file.network_from_model_file(path)
    assert str(path) in str(refused.value)
    assert "take the file that the training wrote" in str(refused.value)


def test_a_folder_of_another_net_is_refused_and_one_without_a_description_is_not(tmp_path):
    model_file.check_folder(tmp_path, a_net(), LABELS)
    path = model_file.write_model_file(tmp_path, a_net(), LABELS)
    model_file.check_folder(tmp_path, a_net(), LABELS)
    with pytest.raises(tfe.InputError, match="depth_multiplier") as error:
        model_file.check_folder(tmp_path, a_net(depth_multiplier=0.5), LABELS)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("labels", [LABELS[::-1], [*LABELS, "rabbit"]])
def test_a_folder_of_other_classes_is_told_by_their_names(tmp_path, labels):
    model_file.write_model_file(tmp_path, a_net(), LABELS)
    net = nets_factory.get_network("ssd_300_vgg")
    with pytest.raises(tfe.InputError) as error:
        model_file.check_folder(tmp_path, net(net.default_params._replace(num_classes=len(labels) + 1)), labels)
    assert f"for the classes {', '.join(LABELS)}; this one is for {', '.join(labels)}. Give another --train_dir" in str(
        error.value)


def test_the_way_of_resizing_travels_with_the_model(tmp_path):
    assert model_file.read_interpolation(tmp_path) == "bilinear_slim"
    model_file.write_model_file(tmp_path, a_net(), LABELS, "bilinear")
    assert model_file.read_interpolation(tmp_path / "model.ckpt-3") == "bilinear"


def test_a_run_that_resumes_tells_how_pictures_are_resized_from_now_on(tmp_path, capsys):
    model_file.write_model_file(tmp_path, a_net(), LABELS, "bilinear")
    model_file.describe_training(tmp_path, a_net(), LABELS, "bilinear", resumes=True)
    assert capsys.readouterr().out == ""
    model_file.describe_training(tmp_path, a_net(), LABELS, "bilinear_slim", resumes=True)
    assert "resized by bilinear_slim" in (note := capsys.readouterr().out) and "until now it was bilinear\n" in note
    assert model_file.read_interpolation(tmp_path) == "bilinear_slim"


def test_another_initialiser_for_weights_that_are_there_is_told_to_be_without_effect(tmp_path, capsys):
    model_file.describe_training(tmp_path, a_net(), LABELS, "bilinear", resumes=False)
    xavier = a_net(initializer="xavier")
    model_file.check_folder(tmp_path, xavier, LABELS)
    for net, said in ((xavier, f"NOTE: --initializer=xavier has no effect: the weights in {tmp_path} began with he\n"),
                      (a_net(), "")):
        model_file.describe_training(tmp_path, net, LABELS, "bilinear_slim", resumes=True)
        assert capsys.readouterr().out.startswith(said) and model_file.read_model_file(tmp_path)["initializer"] == "he"
    model_file.describe_training(tmp_path, xavier, LABELS, "bilinear", resumes=False)  # the checkpoints were removed
    assert capsys.readouterr().out == "" and model_file.read_model_file(tmp_path)["initializer"] == "xavier"


def test_fine_tuning_from_other_anchors_is_noted(tmp_path):
    network = nets_factory.get_network("ssd_300_vgg")
    note = model_file.note_on_anchors(tmp_path / "ssd_300_vgg.ckpt", a_net())  # nothing is known
    assert "takes voc. Published" in note and "--anchors=coco" in note
    assert "takes coco. Published" in model_file.note_on_anchors(tmp_path / "ssd_300_vgg.ckpt", network())
    model_file.write_model_file(tmp_path, a_net(), LABELS)
    assert model_file.note_on_anchors(tmp_path / "model.ckpt-20", a_net(depth_multiplier=1.0)) is None
    other = network(network.default_params._replace(num_classes=5))  # the net's own anchors, not those of voc
    note = model_file.note_on_anchors(tmp_path, other)
    assert "anchor_sizes [[30.0, 60.0]" in note and "[[21.0, 45.0]" in note and "img_shape" not in note
    note = model_file.note_on_anchors(tmp_path, with_params(anchor_offset=0.4))
    assert "other anchors (anchor_offset 0.5 there, 0.4 here)" in note


def test_anchors_of_neither_name_are_called_so(tmp_path):
    network = nets_factory.get_network("ssd_300_vgg")
    sizes = [(10.0, 20.0)] * 6
    own = network(network.default_params._replace(anchor_sizes=sizes))
    assert "takes others than the named ones" in model_file.note_on_anchors(tmp_path / "ssd.caffemodel", own)


@pytest.mark.parametrize("size", [320, 384, 512])
def test_sizes_that_differ_by_rounding_are_the_same(size, tmp_path):
    """Scaled from 300 pixels, or percents of the side: 45 / 300 × 512 is 76.80000000000001, 15 % of 512 is 76.8."""
    network = nets_factory.get_network("ssd_300_vgg")
    scaled = params_for_image_size(network, size)
    named = anchor_sets.anchor_params("coco", scaled)
    there, here = (network(params._replace(num_classes=3)) for params in (scaled, named))
    model_file.write_model_file(tmp_path, there, LABELS)
    model_file.check_folder(tmp_path, here, LABELS)
    assert model_file.notes(tmp_path, here, LABELS) == []
    assert "takes coco" in model_file.note_on_anchors(tmp_path / "no" / "model.ckpt", there)


def test_fine_tuning_from_other_classes_is_noted(tmp_path):
    model_file.write_model_file(tmp_path, a_net(), LABELS)
    assert model_file.notes(tmp_path, a_net(), LABELS) == []
    [note] = model_file.notes(tmp_path, a_net(), LABELS[::-1])
    assert f"knows the classes {', '.join(LABELS)}, this training {', '.join(LABELS[::-1])}" in note
