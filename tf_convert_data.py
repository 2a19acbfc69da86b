"""Convert a VOC folder to TFRecord shards: tf_convert_data.py --dataset_dir=… --output_name=… --output_dir=…"""
from absl import flags

import tf_extended as tfe
from datasets import pascalvoc_to_tfrecords

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset_name", "pascalvoc", ["pascalvoc"], "Format of the source.")
flags.DEFINE_string("dataset_dir", None, "A VOC folder (Annotations, JPEGImages), or a devkit with one in it.")
flags.DEFINE_string("output_name", "pascalvoc", "{family}_{split}: the shards' name.")
flags.DEFINE_string("output_dir", "./", "Where the shards go.")
flags.DEFINE_string("split", None, "A list in ImageSets/Main; default: every annotation.")
flags.DEFINE_string("labels", None, "labels.txt, a split's JSON, a label_map.pbtxt, or auto.")
flags.DEFINE_boolean("shuffle", False, "Shuffle the samples (seed 4242).")
flags.DEFINE_integer("samples_per_file", 200, "Pictures in a shard.", lower_bound=1)


def main() -> None:
    """Convert as the flags say."""
    description = pascalvoc_to_tfrecords.run(
        FLAGS.dataset_dir, FLAGS.output_dir, FLAGS.output_name, shuffling=FLAGS.shuffle, split=FLAGS.split,
        labels=FLAGS.labels, samples_per_file=FLAGS.samples_per_file)
    tfe.say(f"{description['num_samples']} pictures, {sum(description['objects'].values())} objects")


if __name__ == "__main__":
    tfe.run_script(main, FLAGS, __doc__)
