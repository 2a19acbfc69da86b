"""Learning-rate policies at steps worked out by hand; optimisers by their first update."""
import numpy as np
import pytest

import tf_extended as tfe
from tf_extended import optimization
from tf_extended.compat import tf
from tf_extended.optimization import OptimizerSettings, Schedule


def rates(schedule, steps):
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.placeholder(tf.int64, [])
        rate = optimization.learning_rate(schedule, step)
        return [float(sess.run(rate, {step: value})) for value in steps]


@pytest.mark.parametrize(("schedule", "steps", "expected"), [
    (Schedule("fixed", 0.01), [0, 999], [0.01, 0.01]),
    (Schedule("exponential", 0.01, decay_factor=0.94, decay_steps=10), [0, 9, 10, 25], [0.01, 0.01, 0.0094, 0.008836]),
    (Schedule("polynomial", 0.01, end_learning_rate=0.001, decay_steps=100), [0, 50, 100, 500],
     [0.01, 0.0055, 0.001, 0.001]),
    (Schedule("cosine", 0.01, end_learning_rate=0.0, total_steps=100), [0, 50, 100, 200], [0.01, 0.005, 0, 0]),
    (Schedule("step", 0.001, total_steps=120_000), [0, 79_999, 80_000, 99_999, 100_000],
     [1e-3, 1e-3, 1e-4, 1e-4, 1e-5]),  # Caffe's stepvalue is the first step of the next rate
    (Schedule("step", 0.001, total_steps=6), [0, 3, 4, 5], [1e-3, 1e-3, 1e-4, 1e-5]),
    (Schedule("fixed", 1.0, warmup_steps=100), [0, 50, 100, 101], [0.1, 0.55, 1.0, 1.0]),
])
def test_policies_by_hand(schedule, steps, expected):
    np.testing.assert_allclose(rates(schedule, steps), expected, rtol=1e-5, atol=1e-9)


def test_every_policy_has_a_case_above_and_a_rate():
    assert set(optimization.POLICIES) == {"exponential", "fixed", "polynomial", "cosine", "step"}
    for policy in optimization.POLICIES:
        assert rates(Schedule(policy, 0.5), [0])[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("samples", "batch", "epochs", "expected"), [
    (5011, 32, 2.0, 313), (16551, 32, 2.0, 1034), (8, 32, 2.0, 1), (3, 8, 0.5, 1)])
def test_decay_steps(samples, batch, epochs, expected):
    assert optimization.decay_steps(samples, batch, epochs) == expected


def first_update(name, settings=None):
    """How far the variable 2.0 moves under the gradient 3.0 at learning rate 0.1."""
    with tf.Graph().as_default(), tf.Session() as sess:
        variable = tf.get_variable("v", initializer=2.0)
        optimizer = optimization.optimizer(name, tf.constant(0.1), settings or OptimizerSettings())
        update = optimizer.minimize(3.0 * variable)
        sess.run(tf.global_variables_initializer())
        sess.run(update)
        return 2.0 - float(sess.run(variable))


# By hand: the gradient g is 3, epsilon 1, accumulators as documented.
FIRST_UPDATES = {
    "sgd": 0.1 * 3,
    "momentum": 0.1 * 3,
    "adagrad": 0.1 * 3 / np.sqrt(0.1 + 9),
    "adam": 0.1 * 0.3 * np.sqrt(0.001) / 0.1 / (np.sqrt(0.001 * 9) + 1),
    "rmsprop": 0.1 * 3 / np.sqrt(0.9 * 1 + 0.1 * 9 + 1),
    "adadelta": 0.1 * 3 * np.sqrt(0 + 1) / np.sqrt(0.05 * 9 + 1),
    # z = g - (sqrt(n') - sqrt(n)) / rate · v;  v' = -z · rate / sqrt(n')
    "ftrl": 2 + 0.1 / np.sqrt(9.1) * (3 - (np.sqrt(9.1) - np.sqrt(0.1)) / 0.1 * 2),
}


@pytest.mark.parametrize("name", sorted(optimization.OPTIMIZERS))
def test_first_update_of_every_optimizer(name):
    assert first_update(name) == pytest.approx(FIRST_UPDATES[name], rel=1e-4)


@pytest.mark.parametrize(("name", "changed"), [
    ("adadelta", {"adadelta_rho": 0.5}), ("adagrad", {"adagrad_initial_accumulator_value": 5.0}),
    ("adam", {"adam_beta2": 0.5}), ("adam", {"opt_epsilon": 1e-8}),
    ("ftrl", {"ftrl_learning_rate_power": -0.9}), ("ftrl", {"ftrl_initial_accumulator_value": 5.0}),
    ("ftrl", {"ftrl_l1": 1.0}), ("ftrl", {"ftrl_l2": 1.0}), ("rmsprop", {"rmsprop_decay": 0.5})])
def test_every_setting_takes_effect(name, changed):
    assert first_update(name, OptimizerSettings(**changed)) != pytest.approx(first_update(name), rel=1e-3)


def test_ftrl_l1_keeps_small_values_at_0_and_l2_only_shrinks_them():
    """z = 3 - (sqrt(9.1) - sqrt(.1)) / .1 · 2 = -51; l1 beyond |z| gives 0, l2 adds to what z is divided by."""
    root = np.sqrt(9.1)
    z = 3 - (root - np.sqrt(0.1)) / 0.1 * 2
    l1, l2 = (2 - first_update("ftrl", OptimizerSettings(**{setting: 60.0})) for setting in ("ftrl_l1", "ftrl_l2"))
    assert l1 == pytest.approx(0, abs=1e-6)
    assert l2 == pytest.approx(-z / (root / 0.1 + 2 * 60), rel=1e-4)


def test_adam_beta1_shows_in_its_slot():
    """Bias correction hides it in the first step; the running mean of the gradient 3 is (1 - beta1) · 3."""
    with tf.Graph().as_default(), tf.Session() as sess:
        variable = tf.get_variable("v", initializer=2.0)
        optimizer = optimization.optimizer("adam", tf.constant(0.1), OptimizerSettings(adam_beta1=0.5))
        update = optimizer.minimize(3.0 * variable)
        sess.run(tf.global_variables_initializer())
        sess.run(update)
        assert sess.run(optimizer.get_slot(variable, "m")) == pytest.approx(1.5)


@pytest.mark.parametrize(("name", "setting"), [("momentum", "momentum"), ("rmsprop", "rmsprop_momentum")])
def test_momentum_shows_in_the_second_step(name, setting):
    moved = []
    for value in (0.0, 0.9):
        with tf.Graph().as_default(), tf.Session() as sess:
            variable = tf.get_variable("v", initializer=2.0)
            optimizer = optimization.optimizer(name, tf.constant(0.1), OptimizerSettings(**{setting: value}))
            update = optimizer.minimize(3.0 * variable)
            sess.run(tf.global_variables_initializer())
            sess.run(update)
            sess.run(update)
            moved.append(2.0 - float(sess.run(variable)))
    assert moved[1] > moved[0] * 1.2


def test_unknown_optimizer_lists_the_known():
    with pytest.raises(tfe.InputError, match="adadelta, adagrad, adam"):
        optimization.optimizer("adamw", tf.constant(0.1), OptimizerSettings())


def test_only_biases_are_scaled():
    with tf.Graph().as_default(), tf.Session() as sess:
        pairs = [(tf.constant(1.0), tf.get_variable(name, initializer=0.0)) for name in ("c/weights", "c/biases")]
        pairs.append((None, tf.get_variable("unused/biases", initializer=0.0)))
        scaled = optimization.scale_bias_gradients(pairs, 2.0)
        assert sess.run([gradient for gradient, _ in scaled[:2]]) == [1.0, 2.0]
        assert scaled[2][0] is None
        assert optimization.scale_bias_gradients(pairs, 1.0) is pairs


def test_cosine_falls_slowly_then_fast_and_ends_at_its_end():
    schedule = Schedule("cosine", 0.01, end_learning_rate=0.002, total_steps=120)
    np.testing.assert_allclose(rates(schedule, [40, 60, 80, 120]), [0.008, 0.006, 0.004, 0.002], rtol=1e-5)


def test_the_second_drop_of_step_comes_at_five_sixths_and_polynomial_stays_at_its_end():
    assert rates(Schedule("step", 0.001, total_steps=120_000), [99_999, 100_000]) == pytest.approx([1e-4, 1e-5])
    polynomial = Schedule("polynomial", 0.01, end_learning_rate=0.001, decay_steps=100)
    assert rates(polynomial, [101, 150]) == pytest.approx([0.001, 0.001])
