"""The networks: names, shapes, forward pass of the published ones; layouts and batches of thin ones."""
import json

import numpy as np
import pytest

import tf_extended as tfe
from nets import nets_factory, ssd, ssd_vgg_300
from tests.nets import golden
from tests.nets.thin import SMALL, build, noise, thin
from tests.shared_data import GOLDEN, needs_shared
from tf_extended.compat import slim, tf

ALL = list(nets_factory.NETWORKS)


@needs_shared
@pytest.mark.parametrize("size", [300, 512])
def test_variables_losses_and_end_points_are_those_of_the_published_checkpoints(size):
    expected = json.loads((GOLDEN / f"vars_{size}.json").read_text())
    net = nets_factory.get_network(f"ssd_{size}_vgg")()
    with tf.Graph().as_default():
        _, _, _, end_points = build(net, tf.placeholder(tf.float32, [1, size, size, 3]))
        variables = [[v.op.name, v.get_shape().as_list(), v.dtype.base_dtype.name] for v in tf.global_variables()]
        assert variables == expected["global_variables"]
        assert [v.op.name for v in tf.trainable_variables()] == expected["trainable"]
        assert [v.op.name for v in slim.get_model_variables()] == expected["model_variables"]
        decay = tf.losses.get_regularization_losses()
        assert [loss.op.name for loss in decay] == expected["regularization_losses"]
        assert {name: end.get_shape().as_list() for name, end in end_points.items()} == expected["end_points"]
        assert sum(np.prod(shape) for _, shape, _ in variables) == expected["n_params"]
    assert net.params.feat_shapes == expected["feat_shapes_after_net"]


@pytest.mark.slow
@needs_shared
def test_forward_pass_equals_golden():
    values, module = golden.load("net300"), golden.inputs()
    net, stride = ssd_vgg_300.SSDNet(), int(values["stride"])
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.placeholder(tf.float32, [None, 300, 300, 3])
        with slim.arg_scope(net.arg_scope(weight_decay=5e-4)):
            predictions, localisations, logits, _ = net.net(inputs, is_training=False)
        for variable in tf.global_variables():
            variable.load(module.fill_variable(variable.op.name, variable.get_shape().as_list()), sess)
        np.testing.assert_allclose(sess.run(tf.losses.get_regularization_loss()), values["reg_loss"], rtol=1e-5)
        fetched = sess.run([logits, predictions, localisations], {inputs: module.net_input(300)})
    for name, layers in zip(("logits", "pred", "loc"), fetched, strict=True):
        for i, layer in enumerate(layers):
            assert list(layer.shape) == values[f"{name}_{i}_shape"].tolist()
            sample = layer.ravel()[::stride] if layer.size > 3000 else layer.ravel()
            tolerance = 1e-3 * values[f"{name}_{i}_meanstd"][1] if name != "pred" else 1e-3
            np.testing.assert_allclose(sample, values[f"{name}_{i}_sample"], atol=tolerance)


def assert_close(layers, expected):
    """Equal but for rounding, of values as large as those of a net with random weights."""
    for layer, wanted in zip(layers, expected, strict=True):
        np.testing.assert_allclose(layer, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_batches_of_any_size_and_both_layouts_agree_and_fit_the_anchors(name):
    """With an open batch dimension: a batch of three, a ragged last one, and that with its channels first."""
    net = thin(name, size=SMALL, depth_multiplier=0.03)  # oneDNN has slow kernels for NCHW on most processors
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.placeholder(tf.float32, [None, *net.params.img_shape, 3])
        outputs = build(net, inputs, is_training=False)[:3]
        swapped = build(net, tf.transpose(inputs, [0, 3, 1, 2]), "NCHW", is_training=False, reuse=True)[:3]
        sess.run(tf.global_variables_initializer())
        images = noise(net, 3)
        three, one = sess.run(outputs, {inputs: images}), sess.run(outputs, {inputs: images[2:]})
        for part, part_one in zip(three, one, strict=True):
            assert_close(part_one, [layer[2:] for layer in part])
            assert [layer.shape[:4] for layer in part] == [(3, *y.shape[:2], len(h)) for y, _, h, _ in net.anchors()]
        try:
            channels_first = sess.run(swapped, {inputs: images[2:]})
        except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
            if "NHWC" not in str(error):
                raise
            pytest.skip("this TensorFlow has no NCHW layers for this processor (oneDNN is off)")
    for part, part_swapped in zip(one, channels_first, strict=True):
        assert_close(part_swapped, part)


@pytest.mark.parametrize("name", ALL)
def test_open_image_size_builds(name):
    net = thin(name)
    with tf.Graph().as_default():
        before = net.params.feat_shapes
        _, localisations, _, _ = build(net, tf.placeholder(tf.float32, [None, None, None, 3]))
        assert net.params.feat_shapes == before
        assert localisations[0].get_shape().as_list() == [None, None, None, 4, 4]


def test_predictions_are_float32_probabilities_and_gamma_starts_at_twenty():
    net = thin("ssd_300_vgg", num_classes=7)
    with tf.Graph().as_default(), tf.Session() as sess:
        predictions, _, logits, _ = build(net, tf.constant(noise(net)))
        sess.run(tf.global_variables_initializer())
        probabilities, values = sess.run([predictions, logits])
        assert set(sess.run("ssd_300_vgg/block4_box/L2Normalization/gamma:0")) == {20.0}
    for p, x in zip(probabilities, values, strict=True):
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(-1, keepdims=True), rtol=1e-4)


def test_width_scales_all_but_the_heads():
    with tf.Graph().as_default():
        build(thin("ssd_300_vgg", num_classes=21, depth_multiplier=0.25), tf.zeros([1, 300, 300, 3]))
        shapes = {v.op.name: v.get_shape().as_list() for v in tf.global_variables()}
    assert shapes["ssd_300_vgg/conv1/conv1_1/weights"] == [3, 3, 3, 16]
    assert shapes["ssd_300_vgg/conv6/weights"] == [3, 3, 128, 256]
    assert shapes["ssd_300_vgg/block11/conv1x1/weights"] == [1, 1, 64, 32]
    assert shapes["ssd_300_vgg/block4_box/conv_cls/weights"] == [3, 3, 128, 84]


@pytest.mark.parametrize(("initializer", "variance"), [("xavier", 2 / (576 + 576)), ("he", 2 / 576)])
def test_initialisers_have_their_variance(initializer, variance):
    net = thin("ssd_300_vgg", depth_multiplier=1.0, initializer=initializer)
    with tf.Graph().as_default(), tf.Session() as sess:
        build(net, tf.zeros([1, 300, 300, 3]))
        weights = tf.global_variables("ssd_300_vgg/conv1/conv1_2/weights")[0]
        sess.run(weights.initializer)
        assert np.var(sess.run(weights)) == pytest.approx(variance, rel=0.05)


def test_scope_and_documented_function():
    with tf.Graph().as_default(), slim.arg_scope(ssd_vgg_300.ssd_arg_scope()):
        outputs = ssd_vgg_300.ssd_net(tf.zeros([1, 300, 300, 3]), num_classes=4, scope="other")
        assert {v.op.name.split("/")[0] for v in tf.global_variables()} == {"other"}
        assert outputs[0][0].get_shape().as_list() == [1, 38, 38, 4, 4]
        predictions, localisations, _, _ = ssd_vgg_300.ssd_net(
            tf.zeros([1, 300, 300, 3]), 5, ["block4", "block7"], [(21, 45), (45, 99)], [[2, 0.5], [2, 0.5, 3]],
            [20, -1], scope="two_layers")
        assert [layer.get_shape().as_list() for layer in predictions] == [[1, 38, 38, 4, 5], [1, 19, 19, 5, 5]]
        assert [layer.get_shape().as_list() for layer in localisations] == [[1, 38, 38, 4, 4], [1, 19, 19, 5, 4]]


@pytest.mark.parametrize(("options", "message"), [
    ({"depth_multiplier": 0}, "depth_multiplier is 0"),
    ({"initializer": "zeros"}, "initializer is 'zeros'.*xavier, he"),
    ({"params": 21}, "params is a int"),
])
def test_unusable_options_are_refused(options, message):
    with pytest.raises(tfe.InputError, match=message):
        ssd_vgg_300.SSDNet(**options).arg_scope()


@pytest.mark.parametrize(("fields", "message"), [
    ({"num_classes": 1}, "num_classes is 1"),
    ({"anchor_steps": [8, 16]}, "anchor_steps has 2 entries.*6 feature layers"),
])
def test_unusable_params_are_refused(fields, message):
    with pytest.raises(tfe.InputError, match=message):
        ssd.check_params(ssd_vgg_300.SSDNet.default_params._replace(**fields))


def test_a_feature_layer_that_the_net_lacks_is_named():
    net = ssd_vgg_300.SSDNet(ssd_vgg_300.SSDNet.default_params._replace(feat_layers=["block99"] * 6), 0.05)
    with tf.Graph().as_default(), pytest.raises(tfe.InputError, match="'block99', which ssd_300_vgg.*block11"):
        build(net, tf.zeros([1, 300, 300, 3]))


def test_factory_lists_what_it_knows():
    with pytest.raises(tfe.InputError, match=f"ssd_300_resnet.*{', '.join(nets_factory.NETWORKS)}"):
        nets_factory.get_network("ssd_300_resnet")


def test_heads_start_by_xavier_whatever_the_body():
    net = thin("ssd_300_vgg", depth_multiplier=1.0, initializer="he")
    with tf.Graph().as_default(), tf.Session() as sess:
        build(net, tf.zeros([1, 300, 300, 3]))
        weights = tf.global_variables("ssd_300_vgg/block4_box/conv_cls/weights")[0]
        sess.run(weights.initializer)
        # Glorot's, uniform: 2 / (fan in + fan out) of 3 × 3 × 512 and 3 × 3 × 4 anchors × 3 classes.
        assert np.var(sess.run(weights)) == pytest.approx(2 / (9 * 512 + 9 * 12), rel=0.05)


def test_weights_decay_as_much_as_asked():
    net = thin("ssd_300_vgg")
    with tf.Graph().as_default(), tf.Session() as sess:
        with slim.arg_scope(net.arg_scope(weight_decay=0.01)):
            net.net(tf.zeros([1, 300, 300, 3]))
        sess.run(tf.global_variables_initializer())
        weights = sess.run([v for v in tf.trainable_variables() if v.op.name.endswith("/weights")])
        decay = sess.run(tf.losses.get_regularization_loss())
    assert decay == pytest.approx(0.01 * sum((kernel**2).sum() for kernel in weights) / 2, rel=1e-4)


def test_a_dense_layer_of_ones_own_decays_too():
    with tf.Graph().as_default(), tf.Session() as sess:
        with slim.arg_scope(ssd_vgg_300.ssd_arg_scope(weight_decay=0.01)):
            slim.fully_connected(tf.ones([1, 3]), 2, weights_initializer=tf.ones_initializer())
        sess.run(tf.global_variables_initializer())
        assert sess.run(tf.losses.get_regularization_loss()) == pytest.approx(0.01 * 6 / 2)


def test_feature_shapes_stay_and_another_prediction_function_is_taken_where_asked():
    net = thin("ssd_300_vgg")
    with tf.Graph().as_default():
        shapes = net.params.feat_shapes
        predictions, _, logits, _ = build(net, tf.zeros([1, SMALL, SMALL, 3]), update_feat_shapes=False,
                                          prediction_fn=lambda layer: layer)
        assert net.params.feat_shapes is shapes
        assert predictions == logits


def test_biases_have_the_fast_gradients():
    with tf.Graph().as_default() as graph:
        build(thin("ssd_300_vgg"), tf.zeros([1, 300, 300, 3]))
        biases = [op for op in graph.get_operations() if op.type == "BiasAdd"]
    assert len(biases) == 35 and {op.get_attr("_gradient_op_type") for op in biases} == {b"BiasAddByMatmul"}
