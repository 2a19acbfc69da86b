#!/usr/bin/env python3
"""Train an SSD detector: TFRecord shards -> checkpoints.

    python train_ssd_network.py --dataset_dir=DIR --dataset_split_name=trainval --train_dir=OUT

Steps: resolve the flags, check data and folders, build input pipeline, net, losses and optimiser, train through
slim.learning, which resumes where OUT already holds a checkpoint. The math lives in nets/, preprocessing/ and
tf_extended/; here is only what happens in which order.
"""
import json
import math
import sys
from importlib import metadata
from pathlib import Path

from absl import flags

import tf_extended as tfe
from datasets import dataset_factory
from nets import image_size, model_file, nets_factory
from nets.anchor_sets import anchor_params
from preprocessing import preprocessing_factory, tf_image
from preprocessing.augmentation import get_augmentation
from tf_extended import checkpoints, curves, deployment, optimization, sessions, shared_flags, summaries, training
from tf_extended.compat import slim, tf

FLAGS = flags.FLAGS

shared_flags.define_dataset_flags(split="train", batch_size=32)
shared_flags.define_model_flags()
shared_flags.define_session_flags(gpu_memory_fraction=0.8)
shared_flags.define_optimization_flags()

flags.DEFINE_enum("recipe", "slim", ["slim", "paper"], "Sets the defaults of the flags below: slim is the documented "
                  "pipeline, paper the Caffe SSD recipe.")
flags.DEFINE_enum("augmentation", "slim", ["slim", "paper", "none"], "Augmentation of the training pictures.")
flags.DEFINE_enum("matching", "slim", ["slim", "paper"], "slim: IoU above --match_threshold; paper: the best anchor of "
                  "every object as well.")
flags.DEFINE_enum("mining", "batch", ["batch", "image"], "Hard negatives are chosen over the batch or in each image.")
flags.DEFINE_enum("loss_normalization", "batch_size", ["batch_size", "positives"], "What the loss is divided by.")
flags.DEFINE_float("dropout_keep_prob", 0.5, "Share of the units that dropout keeps after conv6 and conv7; 1 is none.",
                   lower_bound=0.01, upper_bound=1.0)
flags.DEFINE_string("anchors", None, "voc, coco or a JSON file; default: the net's own.")
flags.DEFINE_enum("initializer", "xavier", ["xavier", "he"], "Initial values of the convolutions.")
flags.DEFINE_float("loss_alpha", 1.0, "Weight of the localisation loss.")
flags.DEFINE_float("negative_ratio", 3.0, "Hard negatives for each positive.")
flags.DEFINE_float("match_threshold", 0.5, "IoU above which an anchor is a positive.")
flags.DEFINE_float("label_smoothing", 0.0, "Share of the probability that goes to the other classes.")

flags.DEFINE_string("train_dir", None, "Folder for checkpoints, logs and summaries.")
flags.DEFINE_integer("num_clones", 1, "Copies of the net, one a GPU.", lower_bound=1)
flags.DEFINE_boolean("clone_on_cpu", False, "Put the clones on the CPU.")
flags.DEFINE_integer("num_readers", 4, "Parallel readers of the shards.", lower_bound=1)
flags.DEFINE_integer("log_every_n_steps", 10, "Steps between two lines of the log.", lower_bound=1)
flags.DEFINE_integer("save_summaries_secs", 600, "Seconds between two summaries; 0 for none.", lower_bound=0)
flags.DEFINE_integer("save_interval_secs", 600, "Seconds between two checkpoints.", lower_bound=1)
flags.DEFINE_integer("max_to_keep", 5, "Newest checkpoints that are kept.", lower_bound=1)
flags.DEFINE_integer("labels_offset", 0, "Of the classification nets; an SSD's class 0 is its background.")
flags.DEFINE_integer("train_image_size", None, "Side of the network's input in pixels; default: the net's own.")
flags.DEFINE_integer("max_number_of_steps", None, "Steps to train; default: --num_epochs.", lower_bound=1)
flags.DEFINE_float("num_epochs", 232.0, "Passes over the data where --max_number_of_steps is not given; the default is "
                   "the paper's (120,000 steps of 32 on VOC07+12).")
flags.DEFINE_integer("seed", None, "Makes two runs equal, with one reader and one preprocessing thread on a CPU.")
flags.DEFINE_string("checkpoint_path", None, "Where to start from: a checkpoint, any file of one, or its folder.")
flags.DEFINE_string("checkpoint_model_scope", None, "Scope of the net in that checkpoint where it differs.")
flags.DEFINE_string("checkpoint_exclude_scopes", None, "Scopes, separated by commas, that are not restored.")
flags.DEFINE_string("trainable_scopes", None, "Scopes, separated by commas, that are trained; default: all.")
flags.DEFINE_boolean("ignore_missing_vars", False, "Accept a checkpoint that lacks variables of the net.")

# A recipe is a row of defaults (design decision 3): a flag on the command line wins over it.
RECIPES = {
    "slim": {},
    "paper": {
        "augmentation": "paper", "matching": "paper", "mining": "image", "loss_normalization": "positives",
        "dropout_keep_prob": 1.0, "anchors": "voc", "optimizer": "momentum", "learning_rate": 0.001,
        "learning_rate_decay_type": "step", "warmup_steps": 1000, "weight_decay": 0.0005,
        "bias_learning_rate_factor": 2.0,
    },
}


def apply_recipe() -> None:
    """Give every flag that is not on the command line the recipe's default, and say what differs from slim's."""
    for name, value in RECIPES[FLAGS.recipe].items():
        if not FLAGS[name].present:
            FLAGS[name].value = value
    chosen = {name: getattr(FLAGS, name) for name in RECIPES["paper"]}
    tfe.say(f"recipe {FLAGS.recipe}: " + ", ".join(f"{name} {value}" for name, value in chosen.items()))


def check_flags() -> None:
    """Refuse what cannot work before anything is read or written."""
    if not FLAGS.dataset_dir:
        raise tfe.InputError("--dataset_dir is missing: the folder with the shards that tf_convert_data.py wrote")
    if not FLAGS.train_dir:
        raise tfe.InputError("--train_dir is missing: the folder for checkpoints and logs")
    if FLAGS.labels_offset:
        raise tfe.InputError(f"--labels_offset={FLAGS.labels_offset}: an SSD keeps class 0 for the background, so "
                             "labels cannot be shifted; leave it at 0")


def build_net(dataset: slim.dataset.Dataset):
    """The net for this data set: class count, anchors, image size and width by the flags."""
    net_class = nets_factory.get_network(FLAGS.model_name)
    num_classes = FLAGS.num_classes or dataset.num_classes + 1
    if num_classes < dataset.num_classes + 1:
        raise tfe.InputError(f"--num_classes={num_classes}: the data set has {dataset.num_classes} classes, and one "
                             f"more is the background; leave the flag out or give {dataset.num_classes + 1} or more")
    params = net_class.default_params._replace(num_classes=num_classes)
    if FLAGS.train_image_size:
        params = image_size.params_for_image_size(net_class, FLAGS.train_image_size, params)
    if FLAGS.anchors:
        params = anchor_params(FLAGS.anchors, params)
    return net_class(params, depth_multiplier=FLAGS.depth_multiplier, batch_norm=FLAGS.batch_norm,
                     initializer=FLAGS.initializer)


def input_queue(dataset: slim.dataset.Dataset, net) -> slim.prefetch_queue:
    """Read, augment, encode and batch; a queue of [images, classes, localisations, scores] (three lists per layer)."""
    waiting = 10 * FLAGS.batch_size
    provider = slim.dataset_data_provider.DatasetDataProvider(
        dataset, num_readers=FLAGS.num_readers, shuffle=True, seed=FLAGS.seed, common_queue_min=waiting,
        # What a shuffling queue draws depends on how full it is: with a seed it is always equally full.
        common_queue_capacity=2 * waiting if FLAGS.seed is None else waiting + 1)
    image, labels, bboxes = provider.get(["image", "object/label", "object/bbox"])
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or FLAGS.model_name, is_training=True)
    image, labels, bboxes = preprocess(image, labels, bboxes, net.params.img_shape,
                                       augmentation=get_augmentation(FLAGS.augmentation))
    classes, localisations, scores = net.bboxes_encode(labels, bboxes, net.anchors(), matching=FLAGS.matching)
    batch = tf.train.batch(
        tfe.reshape_list([image, classes, localisations, scores]), batch_size=FLAGS.batch_size,
        num_threads=FLAGS.num_preprocessing_threads, capacity=5 * FLAGS.batch_size)
    return slim.prefetch_queue.prefetch_queue(batch, capacity=2 * FLAGS.num_clones)


def clone_fn(queue: slim.prefetch_queue, net) -> dict[str, tf.Tensor]:
    """One clone's forward pass and losses; returns the scalars to report, and the end points."""
    layers = len(net.params.feat_layers)
    images, classes, localisations, scores = tfe.reshape_list(queue.dequeue(), [1, layers, layers, layers])
    with slim.arg_scope(net.arg_scope(weight_decay=FLAGS.weight_decay)):
        _, predicted, logits, end_points = net.net(images, is_training=True, dropout_keep_prob=FLAGS.dropout_keep_prob)
    positive, negative, localisation = net.losses(
        logits, predicted, classes, localisations, scores, match_threshold=FLAGS.match_threshold,
        negative_ratio=FLAGS.negative_ratio, alpha=FLAGS.loss_alpha, label_smoothing=FLAGS.label_smoothing,
        mining=FLAGS.mining, normalization=FLAGS.loss_normalization)
    summarise_targets(images, localisations, scores, net)
    matched = [tf.reduce_sum(tf.cast(s > FLAGS.match_threshold, tf.float32)) for s in scores]
    anchors = FLAGS.batch_size * sum(math.prod(s.shape.as_list()[1:]) for s in scores)
    return {"end_points": end_points, "metrics": {
        "loss_positive": positive, "loss_negative": negative, "loss_localisation": localisation,
        "matched_anchors": tf.add_n(matched) / anchors}}


def summarise_targets(images: tf.Tensor, localisations: list, scores: list, net) -> None:
    """Pictures of the batch with what their matched anchors are told to predict, for TensorBoard."""
    bboxes = [tf.where(tf.tile(s[..., None] > FLAGS.match_threshold, [1, 1, 1, 1, 4]), b, tf.zeros_like(b))
              for s, b in zip(scores, net.bboxes_decode(localisations, net.anchors()), strict=True)]
    flat = tf.concat([tf.reshape(b, [FLAGS.batch_size, -1, 4]) for b in bboxes], axis=1)
    summaries.add_images_with_boxes("input", images, flat, tf_image.VGG_MEANS)


def build_schedule(num_samples: int) -> optimization.Schedule:
    """The learning-rate schedule of the flags; `total_steps` is also where the training ends."""
    images_per_step = FLAGS.batch_size * FLAGS.num_clones
    return optimization.Schedule(
        policy=FLAGS.learning_rate_decay_type, learning_rate=FLAGS.learning_rate,
        end_learning_rate=FLAGS.end_learning_rate, decay_factor=FLAGS.learning_rate_decay_factor,
        decay_steps=optimization.decay_steps(num_samples, images_per_step, FLAGS.num_epochs_per_decay),
        total_steps=FLAGS.max_number_of_steps or math.ceil(FLAGS.num_epochs * num_samples / images_per_step),
        warmup_steps=FLAGS.warmup_steps)


def build_train_op(clones: list, schedule: optimization.Schedule, global_step: tf.Variable) -> tuple:
    """Learning rate, optimiser, gradients, updates: (train op, scalars to report by name)."""
    with tf.device(deployment.CPU):
        rate = optimization.learning_rate(schedule, global_step)
        optimizer = optimization.optimizer(FLAGS.optimizer, rate, optimization.OptimizerSettings(
            **{name: FLAGS[name].value for name in optimization.OptimizerSettings.__dataclass_fields__}))
    variables = checkpoints.variables_to_train(FLAGS.trainable_scopes)
    loss, gradients = deployment.clone_gradients(clones, optimizer, variables)
    gradients = optimization.scale_bias_gradients(gradients, FLAGS.bias_learning_rate_factor)
    train_op = training.guarded_train_op(
        loss, gradients, optimizer, global_step, clip_norm=FLAGS.clip_gradient_norm,
        update_ops=tf.get_collection(tf.GraphKeys.UPDATE_OPS, clones[0].scope or None),
        moving_average_decay=FLAGS.moving_average_decay)
    names = clones[0].outputs["metrics"]
    metrics = {"loss": loss}
    metrics |= {name: tf.add_n([c.outputs["metrics"][name] for c in clones]) / len(clones) for name in names}
    metrics["loss_regularisation"] = tf.add_n(tf.losses.get_regularization_losses() or [tf.constant(0.0)])
    metrics["learning_rate"] = rate
    return train_op, metrics


def starting_point(net_scope: str, train_dir: Path):
    """The init function that loads --checkpoint_path, or None: then slim resumes from train_dir or starts afresh."""
    present = checkpoints.latest_checkpoint(train_dir)
    if present:
        tfe.say(f"resuming from {present}")
        if FLAGS.checkpoint_path:
            tfe.say(f"NOTE: --checkpoint_path={FLAGS.checkpoint_path} is NOT used, because --train_dir already holds a "
                    "checkpoint and that one wins. To start from --checkpoint_path, give another --train_dir.")
        return None
    if not FLAGS.checkpoint_path:
        tfe.say("starting from random weights")
        return None
    source = checkpoints.find_checkpoint(FLAGS.checkpoint_path)
    plan = checkpoints.plan_restore(
        slim.get_model_variables(), source, checkpoints.read_checkpoint(source), net_scope=net_scope,
        model_scope=FLAGS.checkpoint_model_scope, exclude_scopes=(FLAGS.checkpoint_exclude_scopes or "").split(","),
        ignore_missing_vars=FLAGS.ignore_missing_vars)
    tfe.say(plan.table())
    return plan.init_fn()


def class_names(net, dataset: slim.dataset.Dataset) -> list[str]:
    """Names of the net's classes 1, 2, …; those that --num_classes adds to the data set's get a number."""
    return [dataset.labels_to_names.get(label, f"class {label}") for label in range(1, net.params.num_classes)]


def check_same_model(train_dir: Path, net, dataset: slim.dataset.Dataset) -> None:
    """Refuse to go on in a folder whose checkpoints are of another net than the flags describe."""
    if checkpoints.latest_checkpoint(train_dir) and model_file.find_model_file(train_dir).is_file():
        model_file.check_model(model_file.describe(net, class_names(net, dataset)),
                               model_file.read_model_file(train_dir), train_dir / model_file.NAME)


def write_run_file(train_dir: Path, dataset: slim.dataset.Dataset, total_steps: int) -> None:
    """run.json: what this run was, for whoever finds its checkpoints later."""
    run = {
        "command": sys.argv, "flags": FLAGS.flag_values_dict(), "steps": total_steps,
        "versions": {"python": sys.version.split()[0],
                     **{name: metadata.version(name) for name in ("tensorflow", "tf-slim", "numpy")}},
        "dataset": {"samples": dataset.num_samples, "labels": dataset.labels_to_names},
    }
    (train_dir / "run.json").write_text(json.dumps(run, indent=1, default=str) + "\n", encoding="utf-8")


def main() -> None:
    """The whole training, in order."""
    apply_recipe()
    check_flags()
    dataset = dataset_factory.get_dataset(FLAGS.dataset_name, FLAGS.dataset_split_name, FLAGS.dataset_dir)
    if FLAGS.seed is not None:
        tf.set_random_seed(FLAGS.seed)
    net = build_net(dataset)
    precision, reason = sessions.choose_precision(FLAGS.mixed_precision, depthwise=False)
    schedule = build_schedule(dataset.num_samples)
    with tf.device(deployment.CPU):
        global_step = tf.train.get_or_create_global_step()
        queue = input_queue(dataset, net)
    clones = deployment.create_clones(FLAGS.num_clones, FLAGS.clone_on_cpu, clone_fn, [queue, net])
    train_op, metrics = build_train_op(clones, schedule, global_step)
    summaries.add_activations(clones[0].outputs["end_points"])
    summaries.add_scalars(metrics)
    # What a checkpoint cannot give is found before the folder is made.
    train_dir = Path(FLAGS.train_dir)
    init_fn = starting_point(net.name, train_dir)
    check_same_model(train_dir, net, dataset)
    train_dir = training.make_train_dir(train_dir)
    model_file.write_model_file(train_dir, net, class_names(net, dataset))
    write_run_file(train_dir, dataset, schedule.total_steps)
    tfe.say(f"{FLAGS.model_name} on {dataset.num_samples} images, {dataset.num_classes} classes, "
            f"{schedule.total_steps} steps of {FLAGS.batch_size * FLAGS.num_clones}; "
            f"mixed precision {precision} ({reason})")
    saver = tf.train.Saver(max_to_keep=FLAGS.max_to_keep, save_relative_paths=True)
    loop = training.TrainLoop(
        train_dir, metrics, batch_size=FLAGS.batch_size * FLAGS.num_clones, max_steps=schedule.total_steps,
        log_every_n_steps=FLAGS.log_every_n_steps, saver=saver, save_interval_secs=FLAGS.save_interval_secs,
        summary_op=tf.summary.merge_all(), save_summaries_secs=FLAGS.save_summaries_secs)
    training.run(train_op, loop, init_fn=init_fn,
                 session_config=sessions.session_config(FLAGS.gpu_memory_fraction, precision))
    how = f"stopped by {loop.stop_requested}" if loop.stop_requested else "done"
    tfe.say(f"{how} at step {loop.step}: checkpoints in {train_dir}, curves in {curves.plot_training(train_dir)}")


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
