#!/usr/bin/env python3
"""Train an SSD detector: TFRecord shards -> checkpoints.

    python train_ssd_network.py --dataset_dir=DIR --dataset_split_name=trainval --train_dir=OUT

Resolves the flags, checks data and folders, builds input pipeline, net, losses and optimiser, and trains through
slim.learning, which resumes where OUT holds a checkpoint. Here is only what happens in which order.
"""
import functools
from pathlib import Path

from absl import flags

import tf_extended as tfe
from datasets import dataset_factory, reading
from nets import image_size, model_file, nets_factory
from nets.anchor_sets import anchor_params
from preprocessing import augmentation, mosaic, preprocessing_factory, tf_image
from tf_extended import checkpoints, curves, deployment, optimization, sessions, shared_flags, summaries, training
from tf_extended import startup, train_folder, training_flags, weights
from tf_extended.compat import slim, tf
from tf_extended.evaluation import while_training
from tf_extended.evaluation.detection_graph import Selection, build_detection_graph
from tf_extended.evaluation.evaluator import Evaluator
from tf_extended.run_file import write_run_file

FLAGS = flags.FLAGS

shared_flags.define_dataset_flags(split="train", batch_size=32)
shared_flags.define_model_flags()
shared_flags.define_augmentation_flags("slim")
shared_flags.define_session_flags(gpu_memory_fraction=0.8)
training_flags.define_recipe_flags()
training_flags.define_optimization_flags()
training_flags.define_run_flags()
training_flags.define_starting_point_flags()


def get_dataset(split: str) -> slim.dataset.Dataset:
    """A split of the data set that the flags name."""
    return dataset_factory.get_dataset(FLAGS.dataset_name, split, FLAGS.dataset_dir)


def get_eval_dataset(dataset: slim.dataset.Dataset) -> slim.dataset.Dataset | None:
    """The split to evaluate on as the training goes, where that is asked for; its classes must be the training's."""
    if not FLAGS.eval_every_n_steps:
        return None
    other = get_dataset(FLAGS.eval_split)
    dataset_factory.check_classes(other, dataset, f"--eval_split={FLAGS.eval_split}")
    while_training.check_earlier(Path(FLAGS.train_dir), checkpoints.latest_checkpoint(FLAGS.train_dir) is not None,
                                 FLAGS.eval_split, other.num_samples)
    return other


def get_augmentation() -> augmentation.Augmentation:
    """What training samples go through, by the flags."""
    return augmentation.mixture(**shared_flags.augmentation_pieces(FLAGS))


def build_net(dataset: slim.dataset.Dataset):
    """The net for this data set: class count, anchors, image size and width by the flags."""
    net_class = nets_factory.get_network(FLAGS.model_name)
    num_classes = FLAGS.num_classes or dataset.num_classes + 1
    nets_factory.check_batch_norm(net_class, shared_flags.stated(FLAGS, "batch_norm"))
    if num_classes < dataset.num_classes + 1:
        raise tfe.InputError(f"--num_classes={num_classes}: the data set has {dataset.num_classes} classes, and one "
                             f"more is the background; leave the flag out or give {dataset.num_classes + 1} or more")
    params = net_class.default_params._replace(num_classes=num_classes)
    if FLAGS.train_image_size:
        params = image_size.params_for_image_size(net_class, FLAGS.train_image_size, params)
    params = anchor_params(FLAGS.anchors, params) if FLAGS.anchors else params
    return net_class(params, depth_multiplier=FLAGS.depth_multiplier, batch_norm=FLAGS.batch_norm,
                     initializer=FLAGS.initializer)


def input_queue(dataset: slim.dataset.Dataset, net) -> slim.prefetch_queue:
    """Read, augment, encode and batch; a queue of [images, classes, localisations, scores] (three lists per layer)."""
    recipe, waiting = get_augmentation(), 10 * FLAGS.batch_size
    seed = tf.get_default_graph().seed
    sample = reading.read_samples(dataset, FLAGS.num_readers, waiting, seed, decoded=recipe.mosaic > 0.0)
    if recipe.mosaic:
        partners = reading.read_partners(dataset, mosaic.PARTNERS, waiting, seed)
        sample = mosaic.maybe_join(recipe.mosaic, sample, partners)
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or net.preprocessing, True)
    image, labels, bboxes = preprocess(*sample, net.params.img_shape, augmentation=recipe)
    classes, localisations, scores = net.bboxes_encode(labels, bboxes, net.anchors(), matching=FLAGS.matching)
    batch = tf.train.batch(
        tfe.reshape_list([image, classes, localisations, scores]), batch_size=FLAGS.batch_size,
        num_threads=FLAGS.num_preprocessing_threads, capacity=5 * FLAGS.batch_size)
    return slim.prefetch_queue.prefetch_queue(batch, capacity=2 * FLAGS.num_clones)


def clone_fn(queue: slim.prefetch_queue, net) -> dict:
    """One clone's forward pass and losses; returns the scalars to report, and the end points."""
    layers = len(net.params.feat_layers)
    images, classes, localisations, scores = tfe.reshape_list(queue.dequeue(), [1, layers, layers, layers])
    with slim.arg_scope(net.arg_scope(weight_decay=FLAGS.weight_decay)):
        _, predicted, logits, end_points = net.net(images, is_training=True, dropout_keep_prob=FLAGS.dropout_keep_prob)
    positive, negative, localisation = net.losses(
        logits, predicted, classes, localisations, scores, match_threshold=FLAGS.match_threshold,
        negative_ratio=FLAGS.negative_ratio, alpha=FLAGS.loss_alpha, label_smoothing=FLAGS.label_smoothing,
        mining=FLAGS.mining, normalization=FLAGS.loss_normalization)
    if FLAGS.save_summaries_secs:
        summaries.add_images_with_targets("input", images, net.bboxes_decode(localisations, net.anchors()), scores,
                                          FLAGS.match_threshold, tf_image.VGG_MEANS)
    matched = tf.concat([tf.reshape(layer, [-1]) for layer in scores], 0) > FLAGS.match_threshold
    return {"end_points": end_points, "metrics": {
        "loss_positive": positive, "loss_negative": negative, "loss_localisation": localisation,
        "matched_anchors": tf.reduce_mean(tf.cast(matched, tf.float32))}}


def build_train_op(clones: list, schedule: optimization.Schedule, global_step: tf.Variable, loss_scale: float) -> tuple:
    """Learning rate, optimiser, gradients, updates: (train op, scalars to report by name). Rate 0 changes nothing."""
    with tf.device(deployment.CPU):
        rate = optimization.learning_rate(schedule, global_step)
        optimizer = optimization.optimizer(FLAGS.optimizer, rate, optimization.OptimizerSettings(
            **{name: FLAGS[name].value for name in optimization.OptimizerSettings.__dataclass_fields__}))
    variables = checkpoints.variables_to_train(FLAGS.trainable_scopes)
    loss, gradients = deployment.clone_gradients(clones, optimizer, variables, loss_scale)
    gradients = optimization.scale_bias_gradients(gradients, FLAGS.bias_learning_rate_factor)
    train_op = training.guarded_train_op(
        loss, gradients, optimizer, global_step, clip_norm=FLAGS.clip_gradient_norm,
        update_ops=tf.get_collection(tf.GraphKeys.UPDATE_OPS, clones[0].scope or None) if FLAGS.learning_rate else (),
        moving_average_decay=FLAGS.moving_average_decay)
    metrics = {"loss": loss} | {name: tf.add_n([c.outputs["metrics"][name] for c in clones]) / len(clones)
                                for name in clones[0].outputs["metrics"]}
    metrics["loss_regularisation"] = deployment.sum_in_order(
        tf.losses.get_regularization_losses() or [tf.constant(0.0)])
    return train_op, metrics | {"learning_rate": rate}


def starting_point(net, labels: list[str], train_dir: Path):
    """The init function that loads --checkpoint_path, or None: then slim resumes from train_dir or starts afresh.

    Raises tfe.InputError where what is there does not fit."""
    present = checkpoints.latest_checkpoint(train_dir)
    if present:
        model_file.check_folder(train_dir, net, labels)
        checkpoints.check_resume(present, tf.global_variables())
        if not model_file.find_model_file(train_dir).is_file():
            tfe.say(f"NOTE: no {model_file.NAME} in {train_dir}: its checkpoint is taken for one of this net")
        tfe.say(f"resuming from {present}")
        if FLAGS.checkpoint_path:
            tfe.say(f"NOTE: --checkpoint_path={FLAGS.checkpoint_path} is NOT used, because --train_dir already holds a "
                    "checkpoint and that one wins. To start from --checkpoint_path, give another --train_dir.")
        return None
    if not FLAGS.checkpoint_path:
        note = "" if FLAGS.recipe == "scratch" else "\n" + training_flags.NOTE_ON_RECIPE.format(FLAGS.recipe)
        tfe.say("starting from random weights" + note)
        return None
    kind, stored = weights.load_weights(FLAGS.checkpoint_path, net.name, FLAGS.checkpoint_model_scope)
    plan = checkpoints.plan_restore(
        slim.get_model_variables(), f"{FLAGS.checkpoint_path} ({kind.title})", stored, net_scope=net.name,
        model_scope=None if kind.converted else FLAGS.checkpoint_model_scope,
        exclude_scopes=checkpoints.split_scopes(FLAGS.checkpoint_exclude_scopes),
        # Published bodies have no heads for our classes; of a checkpoint with our names everything is expected.
        ignore_missing_vars=FLAGS.ignore_missing_vars or kind.converted, nets=nets_factory.NETWORKS)
    notes = model_file.notes(FLAGS.checkpoint_path, net, labels) if any("_box/" in name for name in plan.values) else []
    tfe.say("\n".join([plan.table(), *notes]))
    return plan.init_fn()


def class_names(net, dataset: slim.dataset.Dataset) -> list[str]:
    """Names of the net's classes 1, 2, …; those that --num_classes adds to the data set's get a number."""
    return [dataset.labels_to_names.get(label, f"class {label}") for label in range(1, net.params.num_classes)]


def build_evaluator(dataset: slim.dataset.Dataset, net, session_config: tf.ConfigProto) -> Evaluator:
    """For --eval_every_n_steps: the same net on another split, in a graph of its own."""
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or net.preprocessing)
    make_graph = functools.partial(build_detection_graph, dataset, preprocess, net, Selection(),
                                   batch_size=FLAGS.batch_size, interpolation=get_augmentation().eval_interpolation)
    return Evaluator(make_graph, dataset.labels_to_names, dataset.num_samples, session_config=session_config,
                     moving_average_decay=FLAGS.moving_average_decay)


def build_graph(dataset: slim.dataset.Dataset, net, schedule: optimization.Schedule, loss_scale: float = 1.0) -> tuple:
    """Input pipeline, clones, optimiser: (train op, scalars to report by name)."""
    with tf.device(deployment.CPU):
        global_step = tf.train.get_or_create_global_step()
        queue = input_queue(dataset, net)
    clones = deployment.create_clones(FLAGS.num_clones, FLAGS.clone_on_cpu, clone_fn, [queue, net])
    train_op, metrics = build_train_op(clones, schedule, global_step, loss_scale)
    metrics["queue"] = tf.cast(queue.size(), tf.float32) / (2 * FLAGS.num_clones)
    if FLAGS.save_summaries_secs:  # building them costs a tenth of the start
        summaries.add_activations(clones[0].outputs["end_points"])
        summaries.add_scalars(metrics)
    return train_op, metrics


def prepare_folder(dataset: slim.dataset.Dataset, net, steps: int, **facts) -> Path:
    """Make --train_dir and write into it what the checkpoints will be: model.json and run.json."""
    train_dir = train_folder.make_train_dir(FLAGS.train_dir)
    if checkpoints.latest_step(train_dir) >= steps and model_file.find_model_file(train_dir).is_file():
        return train_dir  # nothing will be trained: what made the checkpoint was other flags
    model_file.describe_training(train_dir, net, class_names(net, dataset), get_augmentation().eval_interpolation,
                                 resumes=checkpoints.latest_checkpoint(train_dir) is not None)
    described = {"samples": dataset.num_samples, "labels": dataset.labels_to_names}
    write_run_file(train_dir, FLAGS.flag_values_dict(), steps=steps, dataset=described, **facts)
    return train_dir


def build_loop(train_dir: Path, metrics: dict, total_steps: int) -> training.TrainLoop:
    """The loop as the flags want it."""
    return training.TrainLoop(
        train_dir, metrics, batch_size=FLAGS.batch_size * FLAGS.num_clones, max_steps=total_steps,
        log_every_n_steps=FLAGS.log_every_n_steps, save_interval_secs=FLAGS.save_interval_secs,
        saver=tf.train.Saver(max_to_keep=FLAGS.max_to_keep, save_relative_paths=True),
        summary_op=tf.summary.merge_all(), save_summaries_secs=FLAGS.save_summaries_secs)


def main() -> None:
    """The whole training, in order."""
    training_flags.apply_recipe(FLAGS)
    training_flags.check(FLAGS)
    dataset = get_dataset(FLAGS.dataset_split_name)
    training_flags.check_objects(dataset.split)
    training_flags.apply_mosaic(FLAGS, dataset.split)
    training_flags.apply_width(FLAGS, sessions.is_slow(FLAGS.clone_on_cpu))
    sessions.note_clones(FLAGS.num_clones, FLAGS.clone_on_cpu)
    if Path(FLAGS.train_dir).is_dir():
        train_folder.make_train_dir(FLAGS.train_dir)  # which puts it in order
    eval_dataset = get_eval_dataset(dataset)
    tf.set_random_seed(checkpoints.resumed_seed(FLAGS.seed, FLAGS.train_dir))
    net, schedule = build_net(dataset), training_flags.schedule(FLAGS, dataset.num_samples)
    precision, reason = sessions.choose_precision(FLAGS.mixed_precision, net.depthwise, FLAGS.clone_on_cpu)
    session_config = sessions.session_config(FLAGS.gpu_memory_fraction, precision)
    chosen = ", ".join(f"{name} {value}" for name, value in training_flags.recipe_values(FLAGS).items())
    tfe.say(f"recipe {FLAGS.recipe}: {chosen}\naugmentation: {augmentation.describe(get_augmentation())}")
    with startup.without_garbage_collection():
        train_op, metrics = build_graph(dataset, net, schedule, sessions.LOSS_SCALES[precision])
    # Before a folder is made: what is asked may not be there.
    init_fn = starting_point(net, class_names(net, dataset), Path(FLAGS.train_dir))
    train_dir = prepare_folder(dataset, net, steps=schedule.total_steps, mixed_precision=precision)
    tfe.say(f"{FLAGS.model_name} on {tfe.amount(dataset.num_samples, 'image')}, "
            f"{tfe.amount(dataset.num_classes, 'class')}, {tfe.amount(schedule.total_steps, 'step')} of "
            f"{FLAGS.batch_size * FLAGS.num_clones}; mixed precision {precision} ({reason})")
    loop = build_loop(train_dir, metrics, schedule.total_steps)
    if eval_dataset is not None:
        make_evaluator = functools.partial(build_evaluator, eval_dataset, net, session_config)
        loop.hooks += (while_training.EvaluateAsItGoes(
            train_dir, FLAGS.eval_split, FLAGS.eval_every_n_steps, schedule.total_steps, make_evaluator, loop.save,
            (model_file.NAME,)),)
    training.run(train_op, loop, init_fn=init_fn, session_config=session_config)
    ended = f"stopped by {loop.stop_requested}" if loop.stop_requested else "done"
    tfe.say(f"{ended} at step {loop.step}: checkpoints in {train_dir}, curves in {curves.plot_training(train_dir)}")


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
