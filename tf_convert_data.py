"""Convert pictures with VOC annotations to TFRecord shards, which training and evaluation read.

  python tf_convert_data.py --dataset_dir=VOCdevkit/VOC2007 --split=trainval \\
      --output_name=voc_2007_trainval --output_dir=shards
"""
from absl import flags

import tf_extended as tfe
from datasets import pascalvoc_to_tfrecords
from datasets.workers import usable_processors

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset_name", "pascalvoc", ["pascalvoc"], "Format of the source.")
flags.DEFINE_string("dataset_dir", None, "A VOC folder (Annotations, JPEGImages), or a devkit with one in it.")
flags.DEFINE_string("output_name", None, "Name of the shards: {family}_{split}, for example voc_2007_train.")
flags.DEFINE_string("output_dir", None, "Folder of the shards; made if it is not there.")
flags.DEFINE_string("split", None, "A list in ImageSets/Main, for example trainval. Default: every annotation.")
flags.DEFINE_string("labels", None, "The classes: labels.txt, a split's JSON, a label_map.pbtxt, or auto for those "
                    "found. Default: the folder's labels.txt if there is one, else the 20 VOC classes.")
flags.DEFINE_boolean("shuffle", False, "Shuffle the pictures (the same way each time) before they go to shards.")
flags.DEFINE_integer("samples_per_file", 200, "Pictures in a shard.", lower_bound=1)
flags.DEFINE_integer("num_workers", None, "Processes. Default: one for each processor.", lower_bound=1)
flags.DEFINE_enum("on_error", "stop", ["stop", "skip"], "What cannot be repaired: stop and list all of it, or leave "
                  "those pictures and objects out.")
flags.DEFINE_boolean("overwrite", False, "Replace shards of that name.")
flags.DEFINE_string("report_dir", None, "Folder of the report as JSON, also where --on_error=stop stops. Default: "
                    "with the shards, once they are written.")


def _required(*names: str) -> None:
    for name in names:
        if not FLAGS[name].value:
            raise tfe.InputError(f"--{name} is not given: {FLAGS[name].help}")


def main() -> None:
    """Convert as the flags say."""
    _required("dataset_dir", "output_name", "output_dir")
    report = pascalvoc_to_tfrecords.run(
        FLAGS.dataset_dir, FLAGS.output_dir, FLAGS.output_name, shuffling=FLAGS.shuffle, split=FLAGS.split,
        labels=FLAGS.labels, samples_per_file=FLAGS.samples_per_file,
        num_workers=FLAGS.num_workers or usable_processors(), on_error=FLAGS.on_error, overwrite=FLAGS.overwrite,
        report_dir=FLAGS.report_dir)
    tfe.say(report.summary())


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
