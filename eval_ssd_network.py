#!/usr/bin/env python3
"""Evaluate an SSD detector: checkpoint + shards -> VOC mAP, and a report of where it fails.

    python eval_ssd_network.py --dataset_dir=SHARDS --checkpoint_path=TRAIN_DIR --eval_dir=OUT
    python eval_ssd_network.py --detections_dir=DIR --dataset_dir=VOC_FOLDER_OR_SHARDS --eval_dir=OUT

The second form scores result files (comp4_det_{split}_{class}.txt) that anybody made, without a network. OUT gets
report.json, report.html with its pictures, the result files, curve.json and TensorBoard's summaries. The work is done
in tf_extended/evaluation; here is only what happens in which order.
"""
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from absl import flags

import tf_extended as tfe
from datasets import dataset_factory, ground_truth, label_maps
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.voc_folders import locate_voc_folder
from nets import image_size, model_file, nets_factory
from nets.anchor_sets import anchor_params
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tf_extended import checkpoints, sessions, shared_flags
from tf_extended.compat import slim
from tf_extended.evaluation import curve, eval_flags, following, publishing, report, result_files
from tf_extended.evaluation.detection_graph import build_detection_graph
from tf_extended.evaluation.evaluator import Evaluator
from tf_extended.evaluation.records import GroundTruth
from tf_extended.evaluation.restoring import CheckpointGoneError

FLAGS = flags.FLAGS

shared_flags.define_dataset_flags(split="test", batch_size=1)
shared_flags.define_model_flags()
shared_flags.define_session_flags(gpu_memory_fraction=0.1)
eval_flags.define_selection_flags(Resize, Resize.WARP_RESIZE, select_threshold=0.01)
eval_flags.define_detection_flags()
eval_flags.define_scoring_flags()
eval_flags.define_following_flags()

# The flags that describe a net without a model.json.
NET_FLAGS = {"model_name", "depth_multiplier", "batch_norm", "num_classes", "anchors"}


def voc_labels(folder: Path) -> tuple[str, ...]:
    """--labels, the folder's labels.txt, or the VOC classes."""
    own = folder / label_maps.LABELS_FILE
    if FLAGS.labels or own.is_file():
        return label_maps.load_labels(FLAGS.labels or own)
    return VOC_CLASSES


def read_truth() -> tuple[GroundTruth, Mapping[int, str], Callable]:
    """Ground truth, class names and a loader of pictures, for --detections_dir."""
    folder = locate_voc_folder(Path(FLAGS.dataset_dir))
    if folder is None:
        if FLAGS.labels:
            raise tfe.InputError("--labels means nothing for shards, which have their own label map. Leave it out.")
        dataset = dataset_factory.get_dataset(FLAGS.dataset_name, FLAGS.dataset_split_name, FLAGS.dataset_dir)
        return (ground_truth.read_shard_truth(dataset.data_sources), dataset.labels_to_names,
                functools.partial(ground_truth.load_shard_images, dataset.data_sources))
    if FLAGS.dataset_name:
        raise tfe.InputError("--dataset_name means nothing for a VOC folder. Leave it out.")
    names = label_maps.labels_to_names(voc_labels(folder))
    labels = {name: label for label, name in names.items() if label > 0}
    source = ground_truth.read_voc_truth(folder, FLAGS.dataset_split_name, labels)
    if source.other_classes:
        tfe.say(f"objects of other classes do not count: {', '.join(source.other_classes)}")
    return source.truth, names, functools.partial(ground_truth.load_voc_images, folder, source.truth)


def score_result_files() -> None:
    """--detections_dir: score what somebody else's program found."""
    truth, names, load_images = read_truth()
    found = result_files.read_result_files(
        Path(FLAGS.detections_dir), FLAGS.dataset_split_name, truth.image_ids, names)
    if found.missing:
        tfe.say(f"no file, so no detections, of: {', '.join(found.missing)}")
    if found.unknown:
        tfe.say(f"not of this label map, so left out: {', '.join(found.unknown)}")
    if not FLAGS.remove_difficult:
        truth = truth._replace(difficults=np.zeros_like(truth.difficults))
    info = {"checkpoint": None, "step": None, "detections_dir": FLAGS.detections_dir, "settings": settings()}
    publish(report.evaluate(found.detections, truth, names, FLAGS.matching_threshold, info), load_images)


def publish(evaluation: report.Evaluation, load_images: Callable) -> None:
    """Print the table and write everything into eval_dir."""
    publishing.publish(FLAGS.eval_dir, evaluation, load_images, FLAGS.num_pictures, FLAGS.dataset_split_name)


def settings() -> dict:
    """The flags that took part, for the report; what net it was is another entry."""
    return {name: FLAGS[name].value for name in sorted(eval_flags.used_flags(FLAGS) - NET_FLAGS)}


def build_net(checkpoint: str, dataset: slim.dataset.Dataset):
    """The net that the checkpoint is of: by the model.json beside it, else by the flags."""
    names = [dataset.labels_to_names[label] for label in range(1, dataset.num_classes + 1)]
    path = model_file.find_model_file(checkpoint)
    if path.is_file():
        net, labels = model_file.network_from_model_file(path)
        compare_with_flags(net, labels, path)
        if labels[:len(names)] != names:
            raise tfe.InputError(f"{path}: the net knows the classes {', '.join(labels)}, the data set has "
                                 f"{', '.join(names)}. Convert the data set with --labels={path}.")
    else:
        tfe.say(f"no {path}: the net is built by the flags")
        net = nets_factory.build_network(FLAGS.model_name, FLAGS.num_classes or dataset.num_classes + 1,
                                         FLAGS.depth_multiplier, shared_flags.stated(FLAGS, "batch_norm"),
                                         FLAGS.anchors)
    if net.params.num_classes <= dataset.num_classes:
        raise tfe.InputError(f"--num_classes={net.params.num_classes}: the data set has {dataset.num_classes} classes, "
                             "and one more is the background.")
    return image_size.net_for_image_size(net, FLAGS.eval_image_size) if FLAGS.eval_image_size else net


def compare_with_flags(net, labels: list[str], path: Path) -> None:
    """InputError where a flag on the command line says otherwise than the model.json."""
    found = model_file.describe(net, labels)
    stated = {flag: FLAGS[flag].value for flag in eval_flags.stated_flags(FLAGS) & NET_FLAGS}
    params = net.params._replace(num_classes=stated.pop("num_classes", net.params.num_classes))
    params = anchor_params(stated.pop("anchors"), params) if "anchors" in stated else params
    expected = {**found, **stated, "net": stated.pop("model_name", net.name),
                "params": json.loads(json.dumps(params._asdict()))}
    model_file.check_model(expected, found, path)


def most_images() -> int | None:
    """How many images --max_num_batches lets through; None for all."""
    return FLAGS.max_num_batches and FLAGS.max_num_batches * FLAGS.batch_size


def build_evaluator(checkpoint: str, dataset: slim.dataset.Dataset) -> tuple[Evaluator, dict]:
    """An evaluator of the net that this checkpoint is of, and what the report says about it."""
    net = build_net(checkpoint, dataset)
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or net.preprocessing)
    precision, reason = sessions.choose_precision(FLAGS.mixed_precision, depthwise=net.depthwise)
    tfe.say(f"{net.name} on {tfe.amount(dataset.num_samples, 'image')}, {tfe.amount(dataset.num_classes, 'class')}, "
            f"batches of {FLAGS.batch_size}; mixed precision {precision} ({reason})")
    # Several threads finish in any order: with a limit it must be the same images every time.
    num_threads = 1 if FLAGS.max_num_batches else FLAGS.num_preprocessing_threads
    if FLAGS["num_preprocessing_threads"].present and num_threads < FLAGS.num_preprocessing_threads:
        tfe.say("NOTE: with --max_num_batches one thread prepares the pictures, so that it is always the same ones")
    make_graph = functools.partial(
        build_detection_graph, dataset, preprocess, net, eval_flags.selection(FLAGS), batch_size=FLAGS.batch_size,
        num_threads=num_threads, resize=Resize(FLAGS.eval_resize),
        interpolation=model_file.read_interpolation(checkpoint))
    evaluator = Evaluator(
        make_graph, dataset.labels_to_names, dataset.num_samples, matching_threshold=FLAGS.matching_threshold,
        remove_difficult=FLAGS.remove_difficult, moving_average_decay=FLAGS.moving_average_decay,
        max_images=most_images(), master=FLAGS.master,
        session_config=sessions.session_config(FLAGS.gpu_memory_fraction, precision))
    return evaluator, {"name": net.name, "depth_multiplier": net.depth_multiplier, "batch_norm": net.batch_norm,
                       "img_shape": list(net.params.img_shape), "num_classes": net.params.num_classes,
                       "mixed_precision": precision}


def checkpoints_to_evaluate(images: int) -> Iterator[str]:
    """The one of --checkpoint_path; with --wait_for_checkpoints those that appear in it and are not on the curve.

    images: how many are evaluated; a curve of others does not count, nor that of another training.
    """
    if not FLAGS.wait_for_checkpoints:
        yield checkpoints.find_checkpoint(FLAGS.checkpoint_path)
        return
    folder = Path(checkpoints.check_path(FLAGS.checkpoint_path))
    if folder.is_file() or Path(f"{folder}{following.INDEX}").exists():
        raise tfe.InputError(f"--checkpoint_path={folder}: --wait_for_checkpoints needs a folder.")
    like = {"split": FLAGS.dataset_split_name, "images": images, "training": curve.training_of(folder)}
    done = [point["step"] for point in curve.comparable(curve.read_curve(Path(FLAGS.eval_dir)), like)]
    tfe.say(f"waiting for checkpoints in {folder}")
    yield from following.new_checkpoints(folder, done, interval_secs=FLAGS.eval_interval_secs,
                                         idle_timeout_secs=FLAGS.idle_timeout_secs)


def evaluate_checkpoints() -> None:
    """Restore, detect, score and report, for one checkpoint or for each that a training saves."""
    dataset = dataset_factory.get_dataset(FLAGS.dataset_name, FLAGS.dataset_split_name, FLAGS.dataset_dir)
    load_images = functools.partial(ground_truth.load_shard_images, dataset.data_sources)
    curve.read_curve(Path(FLAGS.eval_dir))  # which may refuse
    result_files.check_file_names(FLAGS.dataset_split_name, dataset.labels_to_names)
    evaluator, done = None, 0
    for checkpoint in checkpoints_to_evaluate(min(most_images() or dataset.num_samples, dataset.num_samples)):
        tfe.say(f"evaluating {checkpoint}")
        if evaluator is None:
            evaluator, net_facts = build_evaluator(checkpoint, dataset)
        try:
            evaluation = evaluator.evaluate(checkpoint, {"net": net_facts, "settings": settings()})
        except CheckpointGoneError as error:
            if not FLAGS.wait_for_checkpoints:
                raise tfe.InputError(str(error)) from error
            tfe.say(f"{error} Passed over.")
            continue
        publish(evaluation, load_images)
        done += 1
        if done == FLAGS.max_evaluations:
            break
    if not done and not curve.read_curve(Path(FLAGS.eval_dir)):
        raise tfe.RunError(f"no checkpoint came into {FLAGS.checkpoint_path} within {FLAGS.idle_timeout_secs:g} "
                           "seconds.\nCheck --checkpoint_path, or raise --idle_timeout_secs.")
    tfe.say(f"done: {done} evaluated")


def main() -> None:
    """Score result files, or evaluate checkpoints."""
    eval_flags.check_flags(FLAGS)
    if FLAGS.detections_dir:
        score_result_files()
    else:
        evaluate_checkpoints()


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
