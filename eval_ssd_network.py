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
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from absl import flags

import tf_extended as tfe
from datasets import dataset_factory, label_maps
from datasets.findings import Findings, Unusable, problems
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.tfrecord_format import parse_example
from datasets.voc_annotations import parse_annotation
from nets import image_size, model_file, nets_factory
from nets.anchor_sets import anchor_params
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tf_extended import checkpoints, sessions, shared_flags
from tf_extended.compat import slim
from tf_extended.evaluation import curve, files, following, publishing, report, result_files, sources
from tf_extended.evaluation.detection_graph import Selection, build_detection_graph
from tf_extended.evaluation.evaluator import Evaluator
from tf_extended.evaluation.records import GroundTruth
from tf_extended.evaluation.restoring import CheckpointGoneError

FLAGS = flags.FLAGS

shared_flags.define_dataset_flags(split="test", batch_size=1)
shared_flags.define_model_flags()
shared_flags.define_session_flags(gpu_memory_fraction=0.1)

flags.DEFINE_float("select_threshold", 0.01, "Probability above which a box is a detection.", 0.0, 1.0)
flags.DEFINE_integer("select_top_k", 400, "Boxes of a class that enter non-maximum suppression.", lower_bound=1)
flags.DEFINE_integer("keep_top_k", 200, "Detections that are kept, see --keep_top_k_per.", lower_bound=1)
flags.DEFINE_enum("keep_top_k_per", "class", ["class", "image"], "Whether keep_top_k counts for every class of an "
                  "image, as documented, or for all its classes together, as in Caffe's SSD.")
flags.DEFINE_float("nms_threshold", 0.45, "IoU above which the less probable of two boxes goes.", 0.0, 1.0)
flags.DEFINE_float("matching_threshold", 0.5, "IoU from which on a detection finds an object.", 0.001, 1.0)
flags.DEFINE_integer("eval_resize", int(Resize.WARP_RESIZE), "How a picture comes to the network's size: "
                     + ", ".join(f"{mode.value} {mode.name}" for mode in Resize) + ".", 1, len(Resize))
flags.DEFINE_integer("eval_image_size", None, "Side of the network's input; default: the net's own.", lower_bound=1)
flags.DEFINE_boolean("remove_difficult", True, "Difficult objects do not count (VOC); without it they are ordinary.")
flags.DEFINE_integer("max_num_batches", None, "Evaluate only so many batches; default: everything.", lower_bound=1)
flags.DEFINE_float("moving_average_decay", None, "Restore the moving averages of a training with that flag.", 0.0, 1.0)
flags.DEFINE_string("master", "", "TensorFlow session to connect to.")
flags.DEFINE_string("checkpoint_path", None, "A checkpoint, any file of one, or its folder: then the newest in it.")
flags.DEFINE_string("anchors", None, "Anchors of a checkpoint without a model.json: voc, coco or a JSON file; default: "
                    "the net's own.")
flags.DEFINE_string("eval_dir", None, "Folder for the results.")
flags.DEFINE_boolean("wait_for_checkpoints", False, "Follow a training: evaluate each checkpoint that appears in the "
                     "folder --checkpoint_path, once.")
flags.DEFINE_integer("max_evaluations", None, "End after so many checkpoints; default: none.", lower_bound=1)
flags.DEFINE_float("eval_interval_secs", 10.0, "Seconds between two looks for a new checkpoint.", lower_bound=0.01)
flags.DEFINE_float("idle_timeout_secs", 3600.0, "End when so long no new checkpoint has come.", lower_bound=0.0)
flags.DEFINE_string("detections_dir", None, "Score the result files in this folder; no network is run.")
flags.DEFINE_string("labels", None, "Class names for --detections_dir with a VOC folder: labels.txt, pbtxt or JSON. "
                    "Default: the folder's labels.txt if there is one, else the VOC classes.")
flags.DEFINE_integer("num_pictures", 8, "Worst pictures that are drawn.", lower_bound=0)

# The flags that have a meaning where no network is run, and those that have one only while following a training.
WITHOUT_NETWORK = {"detections_dir", "labels", "dataset_name", "dataset_dir", "dataset_split_name", "eval_dir",
                   "matching_threshold", "remove_difficult", "num_pictures"}
WHILE_WAITING = {"max_evaluations", "eval_interval_secs", "idle_timeout_secs"}
# model.json's name of what a flag states.
MODEL_FLAGS = {"net": "model_name", "depth_multiplier": "depth_multiplier", "batch_norm": "batch_norm"}


def own_flags() -> set[str]:
    """The flags of this script, not those of the libraries."""
    modules = FLAGS.flags_by_module_dict()
    return {flag.name for module in (sys.argv[0], shared_flags.__name__) for flag in modules.get(module, [])}


def stated_flags() -> set[str]:
    """Those that stand on the command line."""
    return {name for name in own_flags() if FLAGS[name].present}


def check_flags() -> None:
    """Refuse what cannot work, or would be ignored, before anything is read or written."""
    if not FLAGS.dataset_dir:
        raise tfe.InputError("--dataset_dir is missing: the data set to evaluate on.")
    if not FLAGS.eval_dir:
        raise tfe.InputError("--eval_dir is missing: the folder for the results.")
    if not FLAGS.detections_dir and not FLAGS.checkpoint_path:
        raise tfe.InputError("give --checkpoint_path, a checkpoint or the folder of one; or --detections_dir, a folder "
                             "of result files.")
    idle = stated_flags() - WITHOUT_NETWORK if FLAGS.detections_dir else stated_flags() & {"labels"}
    if idle:
        raise tfe.InputError(f"--{min(idle)} means nothing {'with' if FLAGS.detections_dir else 'without'} "
                             "--detections_dir. Leave one of them out.")
    if not FLAGS.wait_for_checkpoints and stated_flags() & WHILE_WAITING:
        raise tfe.InputError(f"--{min(stated_flags() & WHILE_WAITING)} means nothing without --wait_for_checkpoints.")
    files.check_writable(Path(FLAGS.eval_dir), "eval_dir")


def parse_voc(path: Path) -> list[tuple]:
    """(class name, (xmin, ymin, xmax, ymax), difficult) of an annotation's objects; InputError if one is unusable."""
    found = Findings(str(path))
    try:
        objects = parse_annotation(path.read_bytes(), found).objects
    except Unusable as error:
        found.add(error.kind, error.detail)
    for problem in problems(found):
        raise tfe.InputError(f"{problem}. Repair the annotation.")
    return [(thing.name, thing.box, bool(thing.difficult)) for thing in objects]


def voc_labels(folder: Path) -> tuple[str, ...]:
    """--labels, the folder's labels.txt, or the VOC classes."""
    own = folder / label_maps.LABELS_FILE
    if FLAGS.labels or own.is_file():
        return label_maps.load_labels(FLAGS.labels or own)
    return VOC_CLASSES


def read_truth() -> tuple[GroundTruth, Mapping[int, str], Callable]:
    """Ground truth, class names and a loader of pictures, for --detections_dir."""
    folder = sources.find_voc_folder(Path(FLAGS.dataset_dir))
    if folder is None:
        if FLAGS.labels:
            raise tfe.InputError("--labels means nothing for shards, which have their own label map. Leave it out.")
        dataset = dataset_factory.get_dataset(FLAGS.dataset_name, FLAGS.dataset_split_name, FLAGS.dataset_dir)
        return (sources.read_shard_truth(dataset.data_sources, parse_example), dataset.labels_to_names,
                functools.partial(sources.load_shard_images, dataset.data_sources, parse_example))
    if FLAGS.dataset_name:
        raise tfe.InputError("--dataset_name means nothing for a VOC folder. Leave it out.")
    names = label_maps.labels_to_names(voc_labels(folder))
    labels = {name: label for label, name in names.items() if label > 0}
    source = sources.read_voc_truth(folder, FLAGS.dataset_split_name, labels, parse_voc)
    if source.other_classes:
        tfe.say(f"objects of other classes do not count: {', '.join(source.other_classes)}")
    return source.truth, names, functools.partial(sources.load_voc_images, folder, source.truth)


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
    """The flags that took part, for the report."""
    names = WITHOUT_NETWORK if FLAGS.detections_dir else own_flags() - {"detections_dir", "labels"}
    return {name: FLAGS[name].value for name in sorted(names)}


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
        net_class = nets_factory.get_network(FLAGS.model_name)
        num_classes = FLAGS.num_classes or dataset.num_classes + 1
        params = net_class.default_params._replace(num_classes=num_classes)
        net = net_class(anchor_params(FLAGS.anchors, params) if FLAGS.anchors else params, FLAGS.depth_multiplier,
                        FLAGS.batch_norm)
    if net.params.num_classes <= dataset.num_classes:
        raise tfe.InputError(f"--num_classes={net.params.num_classes}: the data set has {dataset.num_classes} classes, "
                             "and one more is the background.")
    if not FLAGS.eval_image_size:
        return net
    params = image_size.params_for_image_size(type(net), FLAGS.eval_image_size, net.params)
    return type(net)(params, net.depth_multiplier, net.batch_norm, net.initializer)


def compare_with_flags(net, labels: list[str], path: Path) -> None:
    """InputError where a flag on the command line says otherwise than the model.json."""
    found = model_file.describe(net, labels)
    stated = {flag: FLAGS[flag].value for flag in stated_flags()}
    expected = {**found, **{field: stated[flag] for field, flag in MODEL_FLAGS.items() if flag in stated}}
    params = net.params._replace(num_classes=stated.get("num_classes", net.params.num_classes))
    if "anchors" in stated:
        params = anchor_params(stated["anchors"], params)
    expected["params"] = json.loads(json.dumps(params._asdict()))
    model_file.check_model(expected, found, path)


def build_evaluator(checkpoint: str, dataset: slim.dataset.Dataset) -> Evaluator:
    """An evaluator of the net that this checkpoint is of."""
    net = build_net(checkpoint, dataset)
    preprocess = preprocessing_factory.get_preprocessing(FLAGS.preprocessing_name or net.name, is_training=False)
    selection = Selection(FLAGS.select_threshold, FLAGS.nms_threshold, FLAGS.select_top_k, FLAGS.keep_top_k,
                          FLAGS.keep_top_k_per)
    precision, reason = sessions.choose_precision(FLAGS.mixed_precision, depthwise="mobilenet" in net.name)
    tfe.say(f"{net.name} on {dataset.num_samples} images, {dataset.num_classes} classes, batches of "
            f"{FLAGS.batch_size}; mixed precision {precision} ({reason})")
    return Evaluator(
        lambda: build_detection_graph(
            dataset, preprocess, net, selection, batch_size=FLAGS.batch_size,
            # Several threads finish in any order: with a limit it must be the same images every time.
            num_threads=1 if FLAGS.max_num_batches else FLAGS.num_preprocessing_threads,
            resize=Resize(FLAGS.eval_resize)),
        dataset.labels_to_names, dataset.num_samples, matching_threshold=FLAGS.matching_threshold,
        remove_difficult=FLAGS.remove_difficult, moving_average_decay=FLAGS.moving_average_decay,
        max_batches=FLAGS.max_num_batches, master=FLAGS.master,
        session_config=sessions.session_config(FLAGS.gpu_memory_fraction, precision))


def checkpoints_to_evaluate() -> Iterator[str]:
    """The one of --checkpoint_path; with --wait_for_checkpoints those that appear in it and are not on the curve."""
    if not FLAGS.wait_for_checkpoints:
        yield checkpoints.find_checkpoint(FLAGS.checkpoint_path)
        return
    folder = Path(FLAGS.checkpoint_path)
    if folder.is_file() or Path(f"{folder}{following.INDEX}").exists():
        raise tfe.InputError(f"--checkpoint_path={folder}: --wait_for_checkpoints needs a folder.")
    done = [point["step"] for point in curve.read_curve(Path(FLAGS.eval_dir))]
    yield from following.new_checkpoints(folder, done, interval_secs=FLAGS.eval_interval_secs,
                                         idle_timeout_secs=FLAGS.idle_timeout_secs)


def evaluate_checkpoints() -> None:
    """Restore, detect, score and report, for one checkpoint or for each that a training saves."""
    dataset = dataset_factory.get_dataset(FLAGS.dataset_name, FLAGS.dataset_split_name, FLAGS.dataset_dir)
    load_images = functools.partial(sources.load_shard_images, dataset.data_sources, parse_example)
    evaluator, done = None, 0
    for checkpoint in checkpoints_to_evaluate():
        evaluator = evaluator or build_evaluator(checkpoint, dataset)
        try:
            evaluation = evaluator.evaluate(checkpoint, {"settings": settings()})
        except CheckpointGoneError as error:
            if not FLAGS.wait_for_checkpoints:
                raise tfe.InputError(f"{error}. Is that a whole TensorFlow checkpoint?") from error
            tfe.say(f"{error}: passed over")
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
    check_flags()
    if FLAGS.detections_dir:
        score_result_files()
    else:
        evaluate_checkpoints()


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
