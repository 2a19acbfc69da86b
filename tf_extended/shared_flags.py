"""Definitions of the flags that several scripts share, typed once. Reading them is the scripts' job."""
from absl import flags

from tf_extended.optimization import OPTIMIZERS, POLICIES, OptimizerSettings
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


def define_optimization_flags() -> None:
    """Optimiser, learning rate, regularisation; the optimisers' own numbers keep the names of OptimizerSettings."""
    flags.DEFINE_enum("optimizer", "rmsprop", sorted(OPTIMIZERS), "The optimiser.")
    for field in OptimizerSettings.__dataclass_fields__.values():
        flags.DEFINE_float(field.name, field.default, "A number of the optimiser that bears its name.")
    flags.DEFINE_float("weight_decay", 0.00004, "Weight of the L2 regularisation.")
    flags.DEFINE_enum("learning_rate_decay_type", "exponential", sorted(POLICIES), "How the learning rate moves.")
    flags.DEFINE_float("learning_rate", 0.01, "The initial learning rate.")
    flags.DEFINE_float("end_learning_rate", 0.0001, "Where polynomial and cosine end.")
    flags.DEFINE_float("learning_rate_decay_factor", 0.94, "Factor of every drop of exponential.")
    flags.DEFINE_float("num_epochs_per_decay", 2.0, "Epochs between the drops of exponential; length of polynomial.")
    flags.DEFINE_integer("warmup_steps", 0, "Steps over which the learning rate climbs from a tenth.", lower_bound=0)
    flags.DEFINE_float("clip_gradient_norm", 0.0, "Bound on the norm of all gradients together; 0 for none.",
                       lower_bound=0.0)
    flags.DEFINE_float("bias_learning_rate_factor", 1.0, "Learning rate of the biases, as a multiple of the others'.")
    flags.DEFINE_float("moving_average_decay", None, "Decay of the moving average of the weights; none without it.")
