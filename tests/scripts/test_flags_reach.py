"""What the training script's flags reach: its functions in this process, on a net and data made up."""
import functools
import json
from types import SimpleNamespace

import pytest

import tf_extended as tfe
from datasets import dataset_factory, reading
from preprocessing import preprocessing_factory
from tests.scripts import in_process, small_net
from tests.scripts.in_process import DATASET
from tests.scripts.running import TRAIN
from tf_extended import checkpoints, deployment, optimization, sessions, training, weights
from tf_extended.compat import tf
from tf_extended.evaluation import while_training

SCHEDULE = optimization.Schedule("fixed", 0.01)


@pytest.fixture
def load(monkeypatch):
    values = {"model_name": small_net.NAME, "depth_multiplier": 0.05, "augmentation": "none"}
    return lambda **more: in_process.load(monkeypatch, TRAIN, **(values | more))


@pytest.fixture
def heard(monkeypatch):
    return functools.partial(in_process.listen, monkeypatch)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


class Net:
    """What is asked of a net of two layers, all of it in `asked`."""

    def __init__(self):
        self.params = SimpleNamespace(feat_layers=["a", "b"], img_shape=(9, 9))
        self.preprocessing, self.asked = "own", {}

    def arg_scope(self, **asked):
        self.asked |= asked
        return {}

    def anchors(self):
        return "its anchors"

    def net(self, _images, **asked):
        self.asked |= asked
        return None, [tf.zeros([1, 2, 4])], [tf.zeros([1, 2, 3])], {}

    def losses(self, *_, **asked):
        self.asked |= asked
        return tf.constant(1.0), tf.constant(2.0), tf.constant(3.0)

    def bboxes_encode(self, labels, bboxes, anchors, **asked):
        self.asked |= asked | {"anchors": anchors}
        return [tf.zeros([2])] * 2, [tf.zeros([2, 4])] * 2, [tf.zeros([2])] * 2


def test_flags_of_the_losses(load):
    script, net = load(weight_decay=0.25, dropout_keep_prob=0.75, match_threshold=0.3, negative_ratio=5, loss_alpha=2,
                       label_smoothing=0.2, mining="image", loss_normalization="positives"), Net()
    script.FLAGS.save_summaries_secs = 0
    batch = [tf.zeros([1, 9, 9, 3]), *[None] * 4, tf.constant([[0.4, 0.2]]), tf.constant([[0.2, 0.4]])]
    metrics = script.clone_fn(SimpleNamespace(dequeue=lambda: batch), net)["metrics"]
    assert net.asked == {
        "weight_decay": 0.25, "is_training": True, "dropout_keep_prob": 0.75, "match_threshold": 0.3,
        "negative_ratio": 5, "alpha": 2, "label_smoothing": 0.2, "mining": "image", "normalization": "positives"}
    with tf.Session() as session:
        assert session.run(metrics) == {"loss_positive": 1, "loss_negative": 2, "loss_localisation": 3,
                                        "matched_anchors": 0.5}


@pytest.mark.parametrize(("name", "asked_for"), [({}, "own"), ({"preprocessing_name": "another"}, "another")])
def test_flags_of_the_input(load, heard, monkeypatch, name, asked_for):
    script, net, recipes = load(matching="paper", num_readers=2, batch_size=3, flip=0.25, **name), Net(), []
    tf.set_random_seed(11)
    image, labels, bboxes = tf.zeros([9, 9, 3]), tf.ones([1], tf.int64), tf.zeros([1, 4])
    read = heard(reading, "read_samples", lambda *_, **__: (image, labels, bboxes))
    preprocessings = heard(preprocessing_factory, "get_preprocessing", lambda *_: (
        lambda *sample, augmentation: recipes.append(augmentation.flip) or sample[:3]))
    script.input_queue(DATASET, net)
    assert read[0] == {"dataset": DATASET, "num_readers": 2, "waiting": 30, "seed": 11, "decoded": False}
    assert preprocessings == [{"name": asked_for, "is_training": True}] and recipes == [0.25]
    assert net.asked == {"anchors": "its anchors", "matching": "paper"}


@pytest.mark.parametrize("rate", [0.1, 0.0])
def test_flags_of_a_step_of_two_clones(load, heard, rate):
    """Batch norm's averages are updated by the first clone, and not where the rate is 0."""
    script = load(optimizer="momentum", momentum=0.7, bias_learning_rate_factor=4, clip_gradient_norm=3,
                  moving_average_decay=0.6, learning_rate=rate)
    gradients, optimizer = heard(deployment, "clone_gradients"), heard(optimization, "optimizer")
    biases, step = heard(optimization, "scale_bias_gradients"), heard(training, "guarded_train_op")
    variable = tf.get_variable("v", initializer=1.0)
    clones = []
    for scope, value in (("clone_0/", 2.0), ("clone_1/", 4.0)):
        with tf.name_scope(scope):
            tf.losses.add_loss(variable * value)
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.no_op("update"))
        clones.append(deployment.Clone({"metrics": {"some": tf.constant(value)}}, scope, deployment.CPU))
    _, metrics = script.build_train_op(clones, SCHEDULE, tf.train.get_or_create_global_step(), 128.0)
    assert gradients[0]["loss_scale"] == 128 and biases[0]["factor"] == 4
    assert (optimizer[0]["name"], optimizer[0]["settings"].momentum) == ("momentum", 0.7)
    assert (step[0]["clip_norm"], step[0]["moving_average_decay"]) == (3, 0.6)
    assert [op.name for op in step[0]["update_ops"]] == (["clone_0/update"] if rate else [])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(metrics) == pytest.approx(
            {"loss": 3, "some": 3, "loss_regularisation": 0, "learning_rate": 0.01})


def test_the_whole_knows_precision_and_data_set(load, heard, monkeypatch, tmp_path):
    """float16's loss scale, --mosaic for few objects a picture, a slow machine's width, a set without objects."""
    script = load(recipe="scratch", train_dir=tmp_path, dataset_dir="some", depth_multiplier=0.125, augmentation="mild",
                  anchors="", mixed_precision="off")
    described = {"name": "a", "num_samples": 10, "objects": {"box": 11}}
    monkeypatch.setattr(script, "get_dataset", lambda _: SimpleNamespace(**vars(DATASET), split=described))
    precision = heard(sessions, "choose_precision", lambda *_, **__: ("float16", "because"))
    narrow = heard(script.training_flags, "apply_width")
    built = heard(script, "build_graph", lambda *_: (_ for _ in ()).throw(InterruptedError))
    with pytest.raises(InterruptedError):
        script.main()
    assert built[0]["loss_scale"] == 128 and script.FLAGS.mosaic == 0.4
    assert narrow[0]["slow"] == sessions.is_slow()
    assert precision == [{"asked": "off", "depthwise": False, "on_cpu": False}]
    described["objects"] = {"box": 0}
    with pytest.raises(tfe.InputError, match="hold no object at all"):
        script.main()


def test_flags_of_the_loop(load, tmp_path):
    script = load(batch_size=3, num_clones=2, log_every_n_steps=7, save_interval_secs=8, save_summaries_secs=9,
                  max_to_keep=4)
    tf.get_variable("v", [])
    loop = script.build_loop(tmp_path, {}, 10)
    assert (loop.batch_size, loop.max_steps, loop.log_every_n_steps, loop.save_interval_secs) == (6, 10, 7, 8)
    assert loop.summaries.interval_secs == 9 and loop.saver.saver_def.max_to_keep == 4


def test_flags_of_the_net(load):
    net = load(train_image_size=128, num_classes=5, initializer="he", batch_norm=True).build_net(DATASET)
    assert (net.params.img_shape, net.params.num_classes) == ((128, 128), 5)
    assert (net.initializer, net.batch_norm, net.depth_multiplier) == ("he", True, 0.05)


def test_what_the_folder_says_of_a_training(load, tmp_path):
    script = load(train_dir=tmp_path / "train", num_classes=5, interpolation="paper")
    script.prepare_folder(DATASET, script.build_net(DATASET), steps=3)
    described = json.loads((tmp_path / "train/model.json").read_text())
    assert described["labels"] == ["box", "ball", "class 3", "class 4"]
    assert described["interpolation"] == "bilinear"


def test_flags_of_evaluations_on_the_way(load, heard):
    script = load(batch_size=3, interpolation="paper", moving_average_decay=0.6)
    graphs = heard(script, "build_detection_graph", lambda *_, **__: SimpleNamespace())
    config = tf.ConfigProto(intra_op_parallelism_threads=1)
    evaluator = script.build_evaluator(DATASET, script.build_net(DATASET), config)
    assert (graphs[0]["batch_size"], graphs[0]["preprocess_options"]) == (3, {"interpolation": "bilinear"})
    assert (evaluator.moving_average_decay, evaluator.session_config, evaluator.num_images) == (0.6, config, 10)


@pytest.mark.parametrize("heads", [True, False])
def test_flags_of_the_starting_point(load, heard, tmp_path, capsys, heads):
    script = load(checkpoint_path="some/model.ckpt", checkpoint_model_scope="theirs", ignore_missing_vars=True,
                  checkpoint_exclude_scopes="a,b")
    stored = heard(weights, "load_weights", lambda *_: (SimpleNamespace(title="", converted=False), {}))
    values = ["a/block4_box/weights"] if heads else ["a/conv1/weights"]
    plan = SimpleNamespace(values=values, table=lambda: "", init_fn=lambda: "init")
    planned = heard(checkpoints, "plan_restore", lambda *_, **__: plan)
    assert script.starting_point(script.build_net(DATASET), ["box", "ball"], tmp_path) == "init"
    assert stored == [{"path": "some/model.ckpt", "net_scope": small_net.NAME, "model_scope": "theirs"}]
    assert {"model_scope": "theirs", "exclude_scopes": ["a", "b"], "ignore_missing_vars": True,
            "net_scope": small_net.NAME}.items() <= planned[0].items()
    assert ("nothing beside some/model.ckpt tells its anchors" in capsys.readouterr().out) == heads


def test_flags_of_the_data_sets(load, heard, tmp_path):
    script = load(dataset_name="family", dataset_dir="some", train_dir=tmp_path, eval_every_n_steps=5,
                  eval_split="other")
    asked = heard(dataset_factory, "get_dataset", lambda *_: DATASET)
    heard(dataset_factory, "check_classes", lambda *_: None)
    earlier = heard(while_training, "check_earlier")
    script.get_eval_dataset(script.get_dataset("trainval"))
    assert [list(call.values()) for call in asked] == [["family", split, "some"] for split in ("trainval", "other")]
    assert list(earlier[0].values()) == [tmp_path, False, "other", 10]


@pytest.mark.parametrize("save_summaries_secs", [0, 9])
def test_what_is_reported_and_summarised(load, monkeypatch, save_summaries_secs):
    script = load(num_clones=2, save_summaries_secs=save_summaries_secs)
    clones = [deployment.Clone({"end_points": {name: tf.zeros([1, 2])}}, "", "") for name in ("conv1", "of the second")]
    monkeypatch.setattr(script, "input_queue", lambda *_: SimpleNamespace(size=lambda: tf.constant(4)))
    monkeypatch.setattr(deployment, "create_clones", lambda *_: clones)
    monkeypatch.setattr(script, "build_train_op", lambda *_: ("op", {"loss": tf.constant(1.0)}))
    _, metrics = script.build_graph(DATASET, None, SCHEDULE)
    with tf.Session() as session:
        assert session.run(metrics) == {"loss": 1, "queue": 1}  # full
    names = {op.name for op in tf.get_collection(tf.GraphKeys.SUMMARIES)}
    assert len(names) == (4 if save_summaries_secs else 0)
