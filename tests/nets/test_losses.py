"""The training objective against golden values and a naive loop, in both recipes and in hopeless batches."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import losses, ssd_vgg_300
from tests.nets import golden
from tests.shared_data import needs_shared
from tf_extended.compat import tf

NET = ssd_vgg_300.SSDNet()
RECIPES = [{}, {"mining": "image"}, {"normalization": "positives"}, {"mining": "image", "normalization": "positives"}]


def compute(inputs, gradients=False, fed=True, **arguments):
    """The three losses (and the gradients by logits and localisations) of five lists over the layers."""
    flat = [array for part in inputs for array in part]
    n_layers = len(inputs[0])

    def build(*tensors):
        parts = [tensors[i * n_layers:(i + 1) * n_layers] for i in range(5)]
        values = losses.ssd_losses(*parts, **arguments)
        if not gradients:
            return values
        slopes = tf.gradients(sum(values), [*parts[0], *parts[1]])
        return values, [tf.zeros([1]) if slope is None else tf.convert_to_tensor(slope) for slope in slopes]

    return golden.run(build, *flat, fed=fed)


def small_inputs(seed, batch=3, classes=4):
    """Two small layers of everything, with a fifth of the anchors positive and some ignored."""
    random = np.random.RandomState(seed)
    shapes = [(3, 3, 2), (1, 1, 4)]
    scores = [random.choice([0.0, 0.3, 0.5, 0.7, 1.0, -1.0], (batch, *s), p=[0.3, 0.2, 0.1, 0.1, 0.2, 0.1])
              for s in shapes]
    return ([random.randn(batch, *s, classes).astype(np.float32) for s in shapes],
            [random.randn(batch, *s, 4).astype(np.float32) * 2 for s in shapes],
            [random.randint(1, classes, (batch, *s)) for s in shapes],
            [random.randn(batch, *s, 4).astype(np.float32) for s in shapes],
            [s.astype(np.float32) for s in scores])


def naive(inputs, threshold=0.5, ratio=3.0, alpha=1.0, smoothing=0.0, mining="batch", normalization="batch_size"):
    """The three losses in plain Python, an anchor at a time."""
    batch = len(inputs[0][0])
    flat = [[np.concatenate([layer[b].reshape(-1, *layer.shape[4:]) for layer in part]) for b in range(batch)]
            for part in inputs]
    positives, negatives = [], []
    for b in range(batch):
        for k in range(len(flat[4][b])):
            score, logits = float(flat[4][b][k]), flat[0][b][k].astype(np.float64)
            log_p = logits - np.log(np.exp(logits).sum())
            if score > threshold:
                target = np.full(len(log_p), smoothing / len(log_p))
                target[flat[2][b][k]] += 1 - smoothing
                delta = np.abs(flat[1][b][k].astype(np.float64) - flat[3][b][k])
                smooth = np.where(delta < 1, delta**2 / 2, delta - 0.5).sum()
                positives.append((b, -(target * log_p).sum(), smooth))
            elif score > -0.5:
                target = np.full(len(log_p), smoothing / len(log_p))
                target[0] += 1 - smoothing
                negatives.append((float(np.float32(np.exp(log_p[0]))), b, k, -(target * log_p).sum()))
    negatives.sort()
    if mining == "batch":
        count = min(int(ratio * len(positives)) + batch, len(negatives))
        kept = [n for n in negatives if n[0] < negatives[count - 1][0]] if negatives else []
    else:
        kept = []
        for b in range(batch):
            kept += [n for n in negatives if n[1] == b][:int(ratio * sum(p[0] == b for p in positives))]
    divisor = batch if normalization == "batch_size" else max(1, len(positives))
    return [sum(p[1] for p in positives) / divisor, sum(n[3] for n in kept) / divisor,
            alpha * sum(p[2] for p in positives) / divisor]


@needs_shared
@pytest.mark.parametrize("fed", [True, False])
@pytest.mark.parametrize("case", ["nopos_b3", "normal_b3", "quant_b2", "ties_b1"])
def test_losses_and_gradients_equal_golden(case, fed):
    values = golden.load("loss")
    seed, batch = values[f"{case}_meta"]
    inputs = golden.inputs().loss_inputs(int(seed), int(batch), str(values[f"{case}_kind"]))
    got, gradients = compute(inputs, gradients=True, fed=fed)
    np.testing.assert_allclose(got, values[f"{case}_losses"], rtol=1e-4)
    expected = [*values[f"{case}_gradnorm_logits"], *values[f"{case}_gradnorm_loc"]]
    np.testing.assert_allclose([np.linalg.norm(g) for g in gradients], expected, rtol=1e-4, atol=1e-6)


def test_names_and_collection():
    with tf.Graph().as_default():
        inputs = [[tf.constant(array) for array in part] for part in small_inputs(0)]
        results = NET.losses(*inputs)
        assert tf.losses.get_losses() == list(results)
        assert [loss.op.name for loss in results] == [
            f"ssd_losses/{name}/value" for name in ("cross_entropy_pos", "cross_entropy_neg", "localization")]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("seed", range(4))
def test_equals_naive_loop(recipe, seed):
    np.testing.assert_allclose(compute(small_inputs(seed), **recipe), naive(small_inputs(seed), **recipe), rtol=1e-4)


def test_every_argument_takes_effect():
    inputs = small_inputs(9)
    for names, ours in [({"threshold": 0.2}, {"match_threshold": 0.2}), ({"ratio": 0.4}, {"negative_ratio": 0.4}),
                        ({"alpha": 3.0}, {"alpha": 3.0}), ({"smoothing": 0.1}, {"label_smoothing": 0.1})]:
        got = compute(inputs, **ours)
        np.testing.assert_allclose(got, naive(inputs, **names), rtol=1e-4)
        assert not np.allclose(got, compute(inputs)), names


@pytest.mark.parametrize("mining", losses.MININGS)
def test_a_ratio_beyond_all_integers_takes_all_negatives(mining):
    got, every = (compute(small_inputs(3), mining=mining, negative_ratio=ratio) for ratio in (1e9, 1e3))
    np.testing.assert_allclose(got, every)
    np.testing.assert_allclose(got, naive(small_inputs(3), mining=mining, ratio=1e9), rtol=1e-4)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("score", [0.0, 0.4, 1.0, -1.0])
def test_batches_without_positives_or_negatives_stay_finite(recipe, score):
    inputs = small_inputs(5)
    inputs = (*inputs[:4], [np.full_like(layer, score) for layer in inputs[4]])
    values, gradients = compute(inputs, gradients=True, **recipe)
    np.testing.assert_allclose(values, naive(inputs, **recipe), rtol=1e-4)
    assert all(np.isfinite(g).all() for g in gradients)


def test_images_mine_for_themselves():
    """An image without positives has no negatives either, however hard they are; the other has three a positive."""
    inputs = small_inputs(7, batch=2)
    scores = [np.zeros_like(layer) for layer in inputs[4]]
    scores[0][1, 0, 0, 0] = 1.0
    inputs = (*inputs[:4], scores)
    _, gradients = compute(inputs, gradients=True, mining="image")
    active = np.concatenate([np.abs(g).sum(-1).reshape(2, -1) for g in gradients[:2]], 1) > 0
    assert active.sum(1).tolist() == [0, 4]


def test_equal_negatives_are_taken_first_come_first_served():
    inputs = small_inputs(7, batch=1)
    scores = [np.zeros_like(layer) for layer in inputs[4]]
    scores[0][0, 2, 2, 1] = 1.0
    inputs = ([np.zeros_like(layer) for layer in inputs[0]], *inputs[1:4], scores)
    _, gradients = compute(inputs, gradients=True, mining="image")
    assert np.flatnonzero(np.abs(gradients[0]).sum(-1)).tolist() == [0, 1, 2, 17]


@pytest.mark.parametrize("arguments", [{"mining": "hard"}, {"normalization": "anchors"}])
def test_unknown_choices_are_named(arguments):
    with pytest.raises(tfe.InputError, match="expected one of"):
        losses.ssd_losses([], [], [], [], [], **arguments)


@pytest.mark.parametrize("mining", losses.MININGS)
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_float_types(dtype, mining):
    expected, other = (compute([[layer.astype(kind) if layer.dtype == np.float32 else layer for layer in layers]
                                for layers in small_inputs(3)], mining=mining) for kind in ("float32", dtype))
    assert all(value.dtype == dtype for value in other)
    np.testing.assert_allclose(other, expected, rtol=2e-2 if dtype == "float16" else 1e-4)


def test_targets_of_another_float_type_take_that_of_the_net():
    layers = list(small_inputs(3))
    expected = compute(layers)
    layers[3] = [layer.astype(np.float64) for layer in layers[3]]
    np.testing.assert_allclose(compute(layers), expected, rtol=1e-6)


def test_positives_are_not_mined_where_every_negative_is_certain_background():
    logits = [np.tile(np.float32([200, 0]), (1, 1, 1, 4, 1))]  # the softmax of background is exactly 1
    offsets = [np.zeros((1, 1, 1, 4, 4), np.float32)]
    scores = [np.float32([[[[1, 0, 0, 0]]]])]
    got = compute((logits, offsets, [np.ones((1, 1, 1, 4), np.int64)], offsets, scores), mining="image")
    np.testing.assert_allclose(got, [200, 0, 0], atol=1e-5)


def test_the_nets_losses_pass_every_argument_on():
    inputs = small_inputs(9)
    flat, arguments = [array for part in inputs for array in part], {
        "match_threshold": 0.2, "negative_ratio": 0.4, "alpha": 3.0, "label_smoothing": 0.1, "mining": "image",
        "normalization": "positives"}
    own, given = golden.run(lambda *tensors: [
        NET.losses(*[tensors[i:i + 2] for i in range(0, 10, 2)], **some) for some in ({}, arguments)], *flat)
    np.testing.assert_allclose(own, naive(inputs), rtol=1e-4)
    np.testing.assert_allclose(given, naive(inputs, 0.2, 0.4, 3.0, 0.1, "image", "positives"), rtol=1e-4)


@pytest.mark.parametrize("mining", losses.MININGS)
@pytest.mark.parametrize("ratio", [0.5, 1.5, 2.9])
def test_a_part_of_a_negative_is_none(mining, ratio):
    got = compute(small_inputs(3, batch=2), mining=mining, negative_ratio=ratio)
    np.testing.assert_allclose(got, naive(small_inputs(3, batch=2), mining=mining, ratio=ratio), rtol=1e-4)
