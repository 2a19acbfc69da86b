"""Definitions of the flags that several scripts share, typed once. Reading them is the scripts' job."""
from collections.abc import Iterable
from typing import Any

from absl import flags

from tf_extended.console import InputError
from tf_extended.sessions import PRECISIONS

# More is a slip of the keyboard.
MOST_PIXELS, MOST_PICTURES, MOST_CLASSES, MOST_WIDTH, MOST_ZOOM = 10_000, 100_000, 100_000, 100.0, 100.0
# Flags that replace pieces of --augmentation.
AUGMENTATION_PIECES = ("crop", "colours", "interpolation", "mosaic", "zoom_out", "zoom_out_max", "crop_scale", "flip",
                       "vertical_flip", "rotation")


def define_dataset_flags(split: str, batch_size: int) -> None:
    """Which pictures, and how they are read: `split` and `batch_size` are the script's defaults."""
    flags.DEFINE_string("dataset_name", None, "The data set's family, as in --output_name={family}_{split} of the "
                        "conversion; not needed where --dataset_dir holds one data set.")
    flags.DEFINE_string("dataset_dir", None, "Folder of the TFRecord shards; several, separated by commas, are read "
                        "as one set.")
    flags.DEFINE_string("dataset_split_name", split, "The split to read.")
    flags.DEFINE_integer("num_classes", None, "Number of classes with the background. Default: what the data set says.",
                         2, MOST_CLASSES)
    flags.DEFINE_integer("batch_size", batch_size, "Pictures in a batch.", 1, MOST_PICTURES)
    flags.DEFINE_integer("num_preprocessing_threads", 4, "Threads that prepare pictures.", lower_bound=1)


def define_model_flags() -> None:
    """Which net."""
    flags.DEFINE_string("model_name", "ssd_300_vgg", "The net.")
    flags.DEFINE_string("preprocessing_name", None, "The preprocessing; default: the net's own.")
    flags.DEFINE_float("depth_multiplier", 1.0, "Width of the net: the share of the published number of channels.",
                       upper_bound=MOST_WIDTH)
    flags.DEFINE_boolean("batch_norm", False, "Batch normalisation after every convolution of the body.")


def define_augmentation_flags(default: str) -> None:
    """What a training sample goes through: a recipe, and pieces chosen one by one (see preprocessing.augmentation)."""
    recipes = ["slim", "paper", "mild", "none"]
    flags.DEFINE_enum("augmentation", default, recipes, "Recipe of the augmentation; the next flags replace pieces.")
    for piece in ("crop", "colours", "interpolation"):
        flags.DEFINE_enum(piece, None, recipes, f"The recipe whose {piece} to take; default: of --augmentation.")
    flags.DEFINE_float("mosaic", None, "Probability of joining two or four pictures to one; default: of "
                       "--augmentation.", 0.0, 1.0)
    flags.DEFINE_float("zoom_out", None, "Probability of zooming out; default: of --augmentation.", 0.0, 1.0)
    flags.DEFINE_float("zoom_out_max", None, "Zoom out to at most that many times the sides; default: of "
                       "--augmentation.", 1.0, MOST_ZOOM)
    flags.DEFINE_float("crop_scale", None, "Least size of the paper's crop: the square root of its share of the "
                       "picture's area; default: of --augmentation; more where all objects are pictured at one "
                       "distance.", 0.01, 1.0)
    flags.DEFINE_float("flip", None, "Probability of mirroring left to right; default: of --augmentation.", 0.0, 1.0)
    flags.DEFINE_float("vertical_flip", None, "Probability of mirroring top to bottom, for pictures without up and "
                       "down; default: 0.", 0.0, 1.0)
    flags.DEFINE_float("rotation", None, "Probability of turning by any angle, for round objects in pictures without "
                       "up and down; default: 0.", 0.0, 1.0)


def augmentation_pieces(flag_values: flags.FlagValues) -> dict[str, Any]:
    """The flags of `define_augmentation_flags` as arguments of `preprocessing.augmentation.mixture`."""
    return {"name": flag_values["augmentation"].value} | {
        piece: flag_values[piece].value for piece in AUGMENTATION_PIECES}


def stated(flag_values: flags.FlagValues, name: str) -> Any:
    """The value of a flag that stands on the command line, None for one that does not."""
    return flag_values[name].value if flag_values[name].present else None


def refuse_without(flag_values: flags.FlagValues, needed: str, names: Iterable[str]) -> None:
    """InputError for one of the flags `names` that was given while the flag `needed`, which reads it, was not.

    Their own default does no harm.
    """
    for name in names:
        flag = flag_values[name]
        if flag.present and flag.value != flag.default and not flag_values[needed].value:
            raise InputError(f"--{name} means nothing without --{needed}; give that too, or leave it out")


def define_session_flags(gpu_memory_fraction: float) -> None:
    """What the session may use."""
    flags.DEFINE_float("gpu_memory_fraction", gpu_memory_fraction, "Share of each GPU's memory to take.",
                       lower_bound=0.0, upper_bound=1.0)
    flags.DEFINE_enum("mixed_precision", "auto", PRECISIONS, "Reduced precision in the convolutions; auto chooses by "
                      "processor and net.")
