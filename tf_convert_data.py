#!/usr/bin/env python3
"""Convert pictures with VOC annotations to TFRecord shards, which training and evaluation read; look at the result.

  python tf_convert_data.py --dataset_dir=VOCdevkit/VOC2007 --split=trainval \\
      --output_name=voc_2007_trainval --output_dir=shards

With --browse=DIR the shards are drawn into DIR: the ground truth, augmented training samples with the anchors that
match each object, and how well a net's anchors fit. Without --dataset_dir, shards that are there are only browsed.
"""
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import flags

import tf_extended as tfe
from datasets import anchor_charts, anchor_fit, browsing, dataset_factory, pascalvoc_to_tfrecords, voc_folders
from datasets.anchor_fit import AnchorLayer
from datasets.tfrecord_format import ParsedExample
from nets import anchors as ssd_anchors
from nets import nets_factory
from nets.anchor_sets import anchor_params
from preprocessing import augmentation, mosaic, preprocessing_factory, tf_image
from preprocessing.augmentation import Augmentation
from tf_extended import shared_flags
from tf_extended.compat import tf
from tf_extended.files import check_writable, write_json
from tf_extended.startup import quiet_banner

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset_name", "pascalvoc", ["pascalvoc", *dataset_factory.DOCUMENTED], "Format of the source; with "
                  "a year, that year's folder of a devkit is taken, and --output_name follows: voc_2007_{split}.")
flags.DEFINE_string("dataset_dir", None, "A VOC folder (Annotations, JPEGImages), or a devkit with one in it.")
flags.DEFINE_string("output_name", None, "Name of the shards: {family}_{split}, for example voc_2007_train.")
flags.DEFINE_string("output_dir", None, "Folder of the shards; made if it is not there.")
flags.DEFINE_string("split", None, "A list in ImageSets/Main, for example trainval. Default: every annotation.")
flags.DEFINE_string("labels", None, "The classes: labels.txt, a split's JSON, a label_map.pbtxt, or auto for those "
                    "found. Default: the folder's labels.txt if there is one, else the 20 VOC classes.")
flags.DEFINE_boolean("shuffle", False, "Shuffle the pictures (the same way each time) before they go to shards.")
flags.DEFINE_integer("samples_per_file", 200, "Pictures in a shard.", lower_bound=1)
flags.DEFINE_integer("num_workers", None, "Processes. Default: as many as the pictures are worth, at most one for "
                     "each processor.", lower_bound=1)
flags.DEFINE_enum("on_error", "stop", ["stop", "skip"], "What cannot be repaired: stop and list all of it, or leave "
                  "those pictures and objects out.")
flags.DEFINE_boolean("overwrite", False, "Replace shards of that name.")
flags.DEFINE_string("report_dir", None, "Folder of the report as JSON, also where --on_error=stop stops. Default: "
                    "with the shards, once they are written.")

flags.DEFINE_string("browse", None, "Folder for contact sheets and charts of the shards.")
flags.DEFINE_integer("browse_pictures", 48, "Pictures on the contact sheets, from all over the set.", lower_bound=1)
flags.DEFINE_string("model_name", "ssd_300_vgg", "The net whose anchors are compared with the objects.")
flags.DEFINE_string("anchors", None, "Its anchors: voc, coco or a JSON file; default: the net's own.")
flags.DEFINE_float("match_threshold", 0.5, "IoU above which an anchor matches.", lower_bound=0.0, upper_bound=1.0)
shared_flags.define_augmentation_flags("paper")

# Flags that only the one or the other part of the script reads.
BROWSING = ("browse_pictures", "model_name", "anchors", "match_threshold", "augmentation",
            *shared_flags.AUGMENTATION_PIECES)
CONVERTING = ("labels", "shuffle", "samples_per_file", "num_workers", "on_error", "overwrite", "report_dir")

# Augmented samples that are counted, for each that is shown.
DRAWS = 4


def main() -> None:
    """Convert, browse, or both, as the flags say."""
    shared_flags.refuse_without(FLAGS, "browse", BROWSING)
    shared_flags.refuse_without(FLAGS, "dataset_dir", CONVERTING)
    apply_dataset_name()
    for name in ("output_name", "output_dir") + (("dataset_dir",) if not FLAGS.browse else ()):
        if not FLAGS[name].value:
            raise tfe.InputError(f"--{name} is not given: {FLAGS[name].help}")
    params, recipe = (net_params(), browsed_recipe()) if FLAGS.browse else (None, None)
    if FLAGS.dataset_dir:
        report = pascalvoc_to_tfrecords.run(
            FLAGS.dataset_dir, FLAGS.output_dir, FLAGS.output_name, shuffling=FLAGS.shuffle, split=FLAGS.split,
            labels=FLAGS.labels, samples_per_file=FLAGS.samples_per_file, num_workers=FLAGS.num_workers,
            on_error=FLAGS.on_error, overwrite=FLAGS.overwrite, report_dir=FLAGS.report_dir)
        labels = report.description["labels"]
        tfe.say("label map: " + ", ".join(f"{number} {name}" for number, name in enumerate(labels, 1)))
        tfe.say(report.summary())
    if FLAGS.browse:
        browse(Path(FLAGS.browse), params, recipe)


def apply_dataset_name() -> None:
    """For pascalvoc_2007 and pascalvoc_2012: that year's folder, and the name by which training finds the shards."""
    if not FLAGS.dataset_dir and FLAGS.output_name:  # nothing to read, and a name already
        shared_flags.refuse_without(FLAGS, "dataset_dir", ["dataset_name", "split"])
    if FLAGS.dataset_name not in dataset_factory.DOCUMENTED:
        return
    family, _ = dataset_factory.DOCUMENTED[FLAGS.dataset_name]
    if FLAGS.dataset_dir:
        FLAGS.dataset_dir = str(voc_folders.year_folder(FLAGS.dataset_dir, family.removeprefix("voc_")))
    if FLAGS.split and not FLAGS.output_name:
        FLAGS.output_name = f"{family}_{FLAGS.split}"


def net_params():
    """The net's numbers, with --anchors; InputError before anything is done if --browse cannot work."""
    check_writable(Path(FLAGS.browse), "browse")
    if not FLAGS.dataset_dir and not Path(FLAGS.output_dir).expanduser().is_dir():
        raise tfe.InputError(f"--output_dir={FLAGS.output_dir}: no such folder; expected the one of the shards to look "
                             "at, or a --dataset_dir to convert into it.")
    params = nets_factory.get_network(FLAGS.model_name).default_params
    return anchor_params(FLAGS.anchors, params) if FLAGS.anchors else params


def browsed_recipe() -> Augmentation:
    """What the augmentation flags ask for; InputError before anything is done if they do not go together."""
    return augmentation.mixture(**shared_flags.augmentation_pieces(FLAGS))


def browse(folder: Path, params, recipe: Augmentation) -> None:
    """Draw the shards' ground truth, augmented samples, and the fit of the net's anchors into `folder`."""
    family, _, split = FLAGS.output_name.rpartition("_")
    dataset = dataset_factory.get_dataset(family, split, FLAGS.output_dir)
    boxes, samples = browsing.read_samples(dataset.data_sources, dataset.num_samples, FLAGS.browse_pictures,
                                            dataset.labels_to_names)
    layers = anchor_layers(params)
    draws = augment(samples * DRAWS, params.img_shape, recipe)
    drawn = list(itertools.islice(draws, len(samples)))  # the others are for the statistics: without their pictures
    augmented = [bboxes for _, _, bboxes in itertools.chain(drawn, draws)]
    paths = browsing.save_ground_truth(folder, samples, dataset.labels_to_names)
    paths += browsing.save_augmented(folder, drawn, dataset.labels_to_names, layers, FLAGS.match_threshold)

    title = f"{FLAGS.output_name} and the anchors of {FLAGS.model_name}" + f" ({FLAGS.anchors})" * bool(FLAGS.anchors)
    changed = ", changed" * (recipe != augmentation.get_augmentation(FLAGS.augmentation))
    columns = {"as annotated": boxes, f"augmented ({FLAGS.augmentation}{changed})": augmented}
    fits = {name: anchor_fit.fit_anchors(column, layers, FLAGS.match_threshold) for name, column in columns.items()}
    statistics = {name: anchor_fit.fit_statistics(fit, layers) for name, fit in fits.items()}
    paths.append(anchor_charts.save_charts(folder / "anchors.png", fits["as annotated"], layers, params.img_shape[0],
                                           FLAGS.match_threshold, title))
    write_json(folder / "anchors.json", statistics)
    tfe.say(f"{title}, IoU above {FLAGS.match_threshold:g}:\n{anchor_fit.fit_table(statistics)}")
    tfe.say("\n".join(str(path) for path in [*paths, folder / "anchors.json"]))


def anchor_layers(params) -> list[AnchorLayer]:
    """The net's anchors as corners, by layer."""
    anchors = ssd_anchors.ssd_anchors_all_layers(params.img_shape, params.feat_shapes, params.anchor_sizes,
                                                 params.anchor_ratios, params.anchor_steps, params.anchor_offset)
    rows = zip(params.feat_layers, anchors, params.anchor_sizes, params.anchor_ratios, strict=True)
    return [AnchorLayer(name, ssd_anchors.to_corners(ssd_anchors.flatten_layer(layer)), tuple(sizes), tuple(ratios))
            for name, layer, sizes, ratios in rows]


def augment(samples: list[ParsedExample], img_shape: tuple[int, int],
            recipe: Augmentation) -> Iterator[tuple[np.ndarray, ...]]:
    """Each sample as training would see it: picture uint8 RGB [*img_shape, 3], labels, boxes of what is left."""
    wanted = nets_factory.get_network(FLAGS.model_name).preprocessing
    preprocess = preprocessing_factory.get_preprocessing(wanted, is_training=True)
    on_cpu = tf.ConfigProto(device_count={"GPU": 0})
    with tf.Graph().as_default(), tf.Session(config=on_cpu) as session:
        tf.set_random_seed(0)
        inputs = [(tf.placeholder(tf.uint8, [None, None, 3]), tf.placeholder(tf.int64, [None]),
                   tf.placeholder(tf.float32, [None, 4])) for _ in range(1 + bool(recipe.mosaic) * mosaic.PARTNERS)]
        with quiet_banner():
            first, *others = inputs
            outputs = mosaic.maybe_join(recipe.mosaic, first, [lambda one=one: one for one in others])
            outputs = preprocess(*outputs, img_shape, augmentation=recipe)
        for index in tfe.progress(range(len(samples)), len(samples), "augmenting"):
            fed = {}
            for number, tensors in enumerate(inputs):
                sample = samples[(index + number) % len(samples)]
                fed |= zip(tensors, (browsing.decode(sample), sample.labels, sample.bboxes), strict=True)
            image, labels, bboxes = session.run(outputs, fed)
            yield tf_image.unwhiten(image).astype(np.uint8), labels, bboxes


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
