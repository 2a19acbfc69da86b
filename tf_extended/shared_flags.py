"""Definitions of the flags that several scripts share, typed once. Reading them is the scripts' job."""
from absl import flags

from tf_extended.sessions import PRECISIONS


def define_dataset_flags(split: str, batch_size: int) -> None:
    """Which pictures, and how they are read: `split` and `batch_size` are the script's defaults."""
    flags.DEFINE_string("dataset_name", None, "The data set's family, as in --output_name={family}_{split} of the "
                        "conversion; not needed where --dataset_dir holds one data set.")
    flags.DEFINE_string("dataset_dir", None, "Folder of the TFRecord shards; several, separated by commas, are read "
                        "as one set.")
    flags.DEFINE_string("dataset_split_name", split, "The split to read.")
    flags.DEFINE_integer("num_classes", None, "Number of classes with the background. Default: what the data set says.")
    flags.DEFINE_integer("batch_size", batch_size, "Pictures in a batch.", lower_bound=1)
    flags.DEFINE_integer("num_preprocessing_threads", 4, "Threads that prepare pictures.", lower_bound=1)


def define_model_flags() -> None:
    """Which net."""
    flags.DEFINE_string("model_name", "ssd_300_vgg", "The net.")
    flags.DEFINE_string("preprocessing_name", None, "The preprocessing; default: the net's own.")
    flags.DEFINE_float("depth_multiplier", 1.0, "Width of the net: the share of the published number of channels.")
    flags.DEFINE_boolean("batch_norm", False, "Batch normalisation after every convolution of the body.")


def define_session_flags(gpu_memory_fraction: float) -> None:
    """What the session may use."""
    flags.DEFINE_float("gpu_memory_fraction", gpu_memory_fraction, "Share of each GPU's memory to take.",
                       lower_bound=0.0, upper_bound=1.0)
    flags.DEFINE_enum("mixed_precision", "auto", PRECISIONS, "Reduced precision in the convolutions; auto chooses by "
                      "processor and net.")
