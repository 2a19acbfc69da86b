"""The evaluation script's own flags: definitions, with the documented defaults, and which go together.

What they mean for the work is the script's job; it hands in its flag values.
"""
from enum import IntEnum
from pathlib import Path

from absl import flags

from tf_extended import shared_flags
from tf_extended.console import InputError
from tf_extended.evaluation.detection_graph import Selection
from tf_extended.evaluation.mirroring import VIEWS
from tf_extended.files import check_writable

# The flags that have a meaning where no network is run, and those that have one only while following a training.
WITHOUT_NETWORK = {"detections_dir", "labels", "dataset_name", "dataset_dir", "dataset_split_name", "eval_dir",
                   "matching_threshold", "remove_difficult", "num_pictures"}
ONLY_WITHOUT_NETWORK = {"detections_dir", "labels"}
WHILE_WAITING = {"max_evaluations", "eval_interval_secs", "idle_timeout_secs"}
# More is a slip of the keyboard.
MOST_BOXES = 1_000_000


def define_selection_flags(resize_modes: type[IntEnum], default_resize: int, select_threshold: float) -> None:
    """From a checkpoint to detections. resize_modes: the ways of bringing a picture to the network's size."""
    flags.DEFINE_float("select_threshold", select_threshold, "Probability above which a box is a detection.", 0.0, 1.0)
    flags.DEFINE_integer("select_top_k", 400, "Boxes of a class that enter non-maximum suppression.", 1, MOST_BOXES)
    flags.DEFINE_integer("keep_top_k", 200, "Detections that are kept, see --keep_top_k_per.", 1, MOST_BOXES)
    flags.DEFINE_enum("keep_top_k_per", "class", ["class", "image"], "Whether keep_top_k counts for every class of an "
                      "image, as documented, or for all its classes together, as in Caffe's SSD.")
    flags.DEFINE_float("nms_threshold", 0.45, "IoU above which the less probable of two boxes goes.", 0.0, 1.0)
    flags.DEFINE_enum("test_flips", "none", sorted(VIEWS), "Detect in mirror images of each picture as well, and let "
                      "the views vote: horizontal and vertical take twice the time, both four times.")
    flags.DEFINE_integer("eval_resize", int(default_resize), "How a picture comes to the network's size: "
                         + ", ".join(f"{mode.value} {mode.name}" for mode in resize_modes) + ".", 1, len(resize_modes))
    flags.DEFINE_integer("eval_image_size", None, "Side of the network's input; default: the net's own.",
                         1, shared_flags.MOST_PIXELS)
    flags.DEFINE_string("anchors", None, "Anchors of a checkpoint without a model.json: voc, coco or a JSON file; "
                        "default: the net's own.")
    flags.DEFINE_string("checkpoint_path", None, "A checkpoint, any file of one, or its folder: then the newest in it.")
    flags.DEFINE_float("moving_average_decay", None, "Restore the moving averages of a training with that flag.",
                       0.0, 1.0)


def define_detection_flags() -> None:
    """What of the data set is evaluated, and where."""
    flags.DEFINE_integer("max_num_batches", None, "Evaluate only so many batches; default: everything.", lower_bound=1)
    flags.DEFINE_string("master", "", "TensorFlow session to connect to.")


def define_scoring_flags() -> None:
    """From detections, the network's or somebody else's, to a report."""
    flags.DEFINE_string("eval_dir", None, "Folder for the results.")
    flags.DEFINE_float("matching_threshold", 0.5, "IoU from which on a detection finds an object.", 0.001, 1.0)
    flags.DEFINE_boolean("remove_difficult", True, "Difficult objects do not count, as in VOC; without it they are "
                         "ordinary ones.")
    flags.DEFINE_integer("num_pictures", 8, "Worst pictures that are drawn, and as many typical ones.", lower_bound=0)
    flags.DEFINE_string("detections_dir", None, "Score the result files in this folder; no network is run.")
    flags.DEFINE_string("labels", None, "Class names for --detections_dir with a VOC folder: labels.txt, pbtxt or "
                        "JSON. Default: the folder's labels.txt if there is one, else the VOC classes.")


def define_following_flags() -> None:
    """Evaluating a training while it runs."""
    flags.DEFINE_boolean("wait_for_checkpoints", False, "Follow a training: evaluate each checkpoint that appears in "
                         "the folder --checkpoint_path, once.")
    flags.DEFINE_integer("max_evaluations", None, "End after so many checkpoints; default: none.", lower_bound=1)
    flags.DEFINE_float("eval_interval_secs", 10.0, "Seconds between two looks for a new checkpoint.", lower_bound=0.01)
    flags.DEFINE_float("idle_timeout_secs", 3600.0, "End when so long no new checkpoint has come.", lower_bound=0.0)


def _own_flags(flag_values: flags.FlagValues) -> list[flags.Flag]:
    """The flags that are defined here or in `shared_flags`, without those of other libraries."""
    modules = flag_values.flags_by_module_dict()
    return [flag for module in (shared_flags.__name__, __name__) for flag in modules[module]]


def used_flags(flag_values: flags.FlagValues) -> set[str]:
    """The names of the flags that take part: those of a run with a network, or of one without."""
    own = {flag.name for flag in _own_flags(flag_values)}
    if flag_values.detections_dir:
        return own & WITHOUT_NETWORK
    return own - ONLY_WITHOUT_NETWORK - (set() if flag_values.wait_for_checkpoints else WHILE_WAITING)


def stated_flags(flag_values: flags.FlagValues) -> set[str]:
    """The names of the script's flags that stand on the command line."""
    return {flag.name for flag in _own_flags(flag_values) if flag.present}


def check_flags(flag_values: flags.FlagValues) -> None:
    """Refuse what cannot work, or would be ignored, before anything is read or written. Raises InputError."""
    if not flag_values.dataset_dir:
        raise InputError("--dataset_dir is missing: the data set to evaluate on.")
    if not flag_values.eval_dir:
        raise InputError("--eval_dir is missing: the folder for the results.")
    if not flag_values.detections_dir and not flag_values.checkpoint_path:
        raise InputError("give --checkpoint_path, a checkpoint or the folder of one; or --detections_dir, a folder of "
                         "result files.")
    idle = min(stated_flags(flag_values) - used_flags(flag_values), default=None)
    if idle in WHILE_WAITING and not flag_values.detections_dir:
        raise InputError(f"--{idle} means nothing without --wait_for_checkpoints. Leave it out, or give both.")
    if idle:
        raise InputError(f"--{idle} means nothing {'with' if flag_values.detections_dir else 'without'} "
                         "--detections_dir. Leave one of them out.")
    selection(flag_values)
    check_writable(Path(flag_values.eval_dir), "eval_dir")


def selection(flag_values: flags.FlagValues) -> Selection:
    """What the flags of `define_selection_flags` ask for. Raises InputError where they do not go together."""
    return Selection(flag_values.select_threshold, flag_values.nms_threshold, flag_values.select_top_k,
                     flag_values.keep_top_k, flag_values.keep_top_k_per, flag_values.test_flips)
