"""Definitions of the training's flags, the recipes that set their defaults, and what follows from several of them."""
import math
from typing import Any

from absl import flags

from tf_extended.console import InputError, say
from tf_extended.optimization import OPTIMIZERS, POLICIES, OptimizerSettings, Schedule, decay_steps
from tf_extended.shared_flags import MOST_PIXELS, refuse_without

# More is a slip of the keyboard.
MOST_STEPS = 10 ** 9
# Least and largest value of the optimisers' numbers; of others: from 0 on.
OPTIMIZER_BOUNDS = dict.fromkeys(("adadelta_rho", "momentum", "rmsprop_momentum", "rmsprop_decay"), (0.0, 1.0))
OPTIMIZER_BOUNDS |= {"adam_beta1": (0.0, 0.9999999), "adam_beta2": (0.0, 0.9999999),  # divided by what is left to 1
                     "opt_epsilon": (1e-12, None),
                     "adagrad_initial_accumulator_value": (1e-12, None), "ftrl_learning_rate_power": (None, 0.0)}
# A recipe is a row of defaults: a flag on the command line wins over it. `slim` is the documented pipeline, whose
# defaults are those of the definitions below; `paper` is the recipe of Caffe's SSD, for large sets and published
# weights; `scratch` has the paper's parts too, but trains a thin net on few pictures from random weights.
PAPER = {
    "augmentation": "paper", "matching": "paper", "match_threshold": 0.5, "mining": "image",
    "loss_normalization": "positives", "dropout_keep_prob": 1.0, "anchors": "voc", "optimizer": "momentum",
    "learning_rate": 0.001, "learning_rate_decay_type": "step", "warmup_steps": 1000,
    "weight_decay": 0.0005, "bias_learning_rate_factor": 2.0,
}
SCRATCH = PAPER | {
    "augmentation": "mild", "anchors": "coco", "batch_size": 8,
    "depth_multiplier": 0.25, "batch_norm": True, "initializer": "he",
    "optimizer": "adam", "opt_epsilon": 1e-8, "learning_rate_decay_type": "cosine", "end_learning_rate": 0.00001,
    "warmup_steps": 200, "weight_decay": 0.00004, "bias_learning_rate_factor": 1.0, "clip_gradient_norm": 1.0,
    "num_epochs": 20.0, "least_steps": 2000,
}
RECIPES: dict[str, dict[str, Any]] = {"slim": {}, "paper": PAPER, "scratch": SCRATCH}
# `scratch` on a slow machine: an eighth of VGG's channels, in a third of the time, finds nearly as much; its layers
# bear a higher rate and want more positives.
NARROW = {"depth_multiplier": 0.125, "learning_rate": 0.003, "match_threshold": 0.4}
# `scratch` joins pictures with this probability where they hold fewer objects than this, on average: of few pictures
# with one object each a net does not learn that there may be two. Where there are many, joining them costs accuracy.
SCRATCH_MOSAIC, FEW_OBJECTS = 0.4, 2.0
NOTE_ON_RECIPE = ("NOTE: recipe {} is for published weights (--checkpoint_path) or many thousands of pictures; for "
                  "fewer, from random weights, there is --recipe=scratch")
# Flags that take effect only beside another one.
NEEDS = {"checkpoint_model_scope": "checkpoint_path", "checkpoint_exclude_scopes": "checkpoint_path",
         "ignore_missing_vars": "checkpoint_path", "eval_split": "eval_every_n_steps"}
# Flags that take effect with some values of another one: that flag, and what each of its values reads.
READ_BY = {
    "optimizer": {name: tuple(settings.values()) for name, (_, settings) in OPTIMIZERS.items()},
    "learning_rate_decay_type": {
        "exponential": ("learning_rate_decay_factor", "num_epochs_per_decay"), "fixed": (), "step": (),
        "polynomial": ("num_epochs_per_decay", "end_learning_rate"), "cosine": ("end_learning_rate",)},
}


def apply_recipe(flag_values: flags.FlagValues) -> None:
    """Give every flag that is not on the command line its recipe's default."""
    _set_defaults(flag_values, RECIPES[flag_values.recipe])


def _set_defaults(flag_values: flags.FlagValues, defaults: dict[str, Any]) -> None:
    """Give these values to those of the flags that are not on the command line."""
    for name, value in defaults.items():
        if not flag_values[name].present:
            flag_values[name].value = value


def apply_width(flag_values: flags.FlagValues, slow: bool) -> None:
    """Set what goes with an eighth of VGG's channels, where the recipe is `scratch` and that width is given.

    Where none is given, it is set, and said, on a slow machine (`sessions.is_slow`). Flags on the command line win
    here too.
    """
    given, width = flag_values["depth_multiplier"].present, NARROW["depth_multiplier"]
    narrow = flag_values.depth_multiplier == width if given else slow
    if not narrow or flag_values.recipe != "scratch" or "vgg" not in flag_values.model_name:
        return
    _set_defaults(flag_values, NARROW)
    if not given:
        say(f"no GPU, and no bfloat16 instructions: {width:g} of {flag_values.model_name}'s channels; "
            f"--depth_multiplier={SCRATCH['depth_multiplier']:g} finds a little more, in three times the time")


def recipe_values(flag_values: flags.FlagValues) -> dict[str, Any]:
    """What recipes govern, as it is set now; without what --max_number_of_steps makes meaningless."""
    length = ("num_epochs", "least_steps") if flag_values.max_number_of_steps else ()
    return {name: flag_values[name].value for name in SCRATCH if name not in length}


def check_objects(description: dict[str, Any] | None) -> None:
    """Refuse a data set of that description (`datasets.split_files`; other code's shards have none) without objects."""
    if description is not None and not sum(description["objects"].values()):
        name = description["name"]
        raise InputError(f"{name}: its {description['num_samples']} pictures hold no object at all: nothing to "
                         f"learn; {name}.report.txt says what was found")


def apply_mosaic(flag_values: flags.FlagValues, description: dict[str, Any] | None) -> None:
    """Set --mosaic for the data set of that description, where the recipe is `scratch` and its augmentation is kept."""
    if description is None:
        return
    objects, pictures = sum(description["objects"].values()), description["num_samples"]
    kept = flag_values.recipe == "scratch" and flag_values.augmentation == SCRATCH["augmentation"]
    if kept and not flag_values["mosaic"].present and 0 < objects < FEW_OBJECTS * pictures:
        flag_values["mosaic"].value = SCRATCH_MOSAIC


def total_steps(flag_values: flags.FlagValues, num_samples: int, images_per_step: int) -> int:
    """How long to train: --max_number_of_steps, or --num_epochs passes over the data, or the recipe's passes, which few
    pictures exceed by as much as it takes to reach --least_steps."""
    if flag_values.max_number_of_steps:
        return flag_values.max_number_of_steps
    steps = math.ceil(flag_values.num_epochs * num_samples / images_per_step)
    if steps > MOST_STEPS:
        raise InputError(f"--num_epochs={flag_values.num_epochs:g}: that is {steps:.2g} steps; expected "
                         f"{MOST_STEPS:.0g} at most")
    return steps if flag_values["num_epochs"].present else max(steps, flag_values.least_steps)


def schedule(flag_values: flags.FlagValues, num_samples: int) -> Schedule:
    """The learning-rate schedule of the flags; its `total_steps` is also where the training ends.

    Settles --warmup_steps: a recipe's are made for a long training, and are at most a third of a short one. And
    --end_learning_rate: a recipe's is made for the recipe's rate, and a lower one does not climb to it. InputError for
    one on the command line that is above the rate.
    """
    images_per_step = flag_values.batch_size * flag_values.num_clones
    steps = total_steps(flag_values, num_samples, images_per_step)
    _set_defaults(flag_values, {
        "warmup_steps": min(flag_values.warmup_steps, steps // 3),
        "end_learning_rate": min(flag_values.end_learning_rate, flag_values.learning_rate)})
    policy, rate, end = flag_values.learning_rate_decay_type, flag_values.learning_rate, flag_values.end_learning_rate
    if end > rate and "end_learning_rate" in READ_BY["learning_rate_decay_type"][policy]:
        raise InputError(f"--end_learning_rate={end:g} is above --learning_rate={rate:g}: lower it, or leave it out")
    return Schedule(
        policy=policy, learning_rate=rate, end_learning_rate=end, decay_factor=flag_values.learning_rate_decay_factor,
        decay_steps=decay_steps(num_samples, images_per_step, flag_values.num_epochs_per_decay), total_steps=steps,
        warmup_steps=flag_values.warmup_steps)


def check(flag_values: flags.FlagValues) -> None:
    """Refuse what is missing, and what would have no effect."""
    if not flag_values.dataset_dir:
        raise InputError("--dataset_dir is missing: the folder with the shards that tf_convert_data.py wrote")
    if not flag_values.train_dir:
        raise InputError("--train_dir is missing: the folder for checkpoints and logs")
    if flag_values.labels_offset:
        raise InputError(f"--labels_offset={flag_values.labels_offset}: class 0 is an SSD's background; leave it at 0")
    if flag_values.num_epochs <= 0:
        raise InputError("--num_epochs=0: nothing would be trained; give a number above 0")
    for name, needed in NEEDS.items():
        refuse_without(flag_values, needed, [name])
    for name, length in (("num_epochs", "max_number_of_steps"), ("least_steps", "max_number_of_steps"),
                         ("least_steps", "num_epochs")):
        if flag_values[name].present and flag_values[length].present:
            raise InputError(f"--{name} means nothing beside --{length}; leave one of them out")
    if flag_values.optimizer == "ftrl" and not flag_values.learning_rate:
        raise InputError("--learning_rate=0 means nothing with --optimizer=ftrl, which divides by it; give another")
    for chooser, readers in READ_BY.items():
        _check_read(flag_values, chooser, readers)


def _check_read(flag_values: flags.FlagValues, chooser: str, readers: dict[str, tuple[str, ...]]) -> None:
    """Refuse flags that the flag `chooser`, as it is set, does not read; their own default does no harm where the
    command line, and not the recipe, set it."""
    chosen, stated = flag_values[chooser].value, flag_values[chooser].present
    for name in {name for names in readers.values() for name in names}.difference(readers[chosen]):
        flag = flag_values[name]
        if flag.present and not (stated and flag.value == flag.default):
            fitting = ", ".join(sorted(value for value, names in readers.items() if name in names))
            raise InputError(f"--{name}={flag.value} means nothing with --{chooser}={chosen}; leave it out, or give "
                             f"--{chooser}={fitting}")


def define_recipe_flags() -> None:
    """Recipe, matching and loss."""
    flags.DEFINE_enum("recipe", "paper", sorted(RECIPES), "Sets the defaults of other flags: slim is the documented "
                      "pipeline, paper the Caffe SSD recipe, scratch is for few pictures and random weights. The "
                      "defaults stated here are slim's; what the others set: README, Training.")
    flags.DEFINE_enum("matching", "slim", ["slim", "paper"], "slim: IoU above --match_threshold; paper: the best "
                      "anchor of every object as well.")
    flags.DEFINE_enum("mining", "batch", ["batch", "image"], "Hard negatives are chosen over the batch, or per image.")
    flags.DEFINE_enum("loss_normalization", "batch_size", ["batch_size", "positives"], "What the loss is divided by.")
    flags.DEFINE_float("dropout_keep_prob", 0.5, "Share of the units that dropout keeps after conv6 and conv7; 1: all.",
                       lower_bound=0.01, upper_bound=1.0)
    flags.DEFINE_string("anchors", None, "voc, coco or a JSON file; default: the net's own.")
    flags.DEFINE_enum("initializer", "xavier", ["xavier", "he"], "Initial values of the convolutions.")
    flags.DEFINE_float("loss_alpha", 1.0, "Weight of the localisation loss.", lower_bound=0.0)
    flags.DEFINE_float("negative_ratio", 3.0, "Hard negatives for each positive.", lower_bound=0.0)
    flags.DEFINE_float("match_threshold", 0.5, "IoU above which an anchor is a positive.", 0.0, 0.999)
    flags.DEFINE_float("label_smoothing", 0.0, "Share of the probability that all classes share alike.", 0.0, 1.0)


def define_optimization_flags() -> None:
    """Optimiser, learning rate, regularisation; the optimisers' own numbers keep the names of OptimizerSettings."""
    flags.DEFINE_enum("optimizer", "rmsprop", sorted(OPTIMIZERS), "The optimiser.")
    for field in OptimizerSettings.__dataclass_fields__.values():
        flags.DEFINE_float(field.name, field.default, "A number of the optimiser that bears its name.",
                           *OPTIMIZER_BOUNDS.get(field.name, (0.0, None)))
    flags.DEFINE_float("weight_decay", 0.00004, "Weight of the L2 regularisation.", lower_bound=0.0)
    flags.DEFINE_enum("learning_rate_decay_type", "exponential", sorted(POLICIES), "How the learning rate moves.")
    flags.DEFINE_float("learning_rate", 0.01, "The initial learning rate.", lower_bound=0.0)
    flags.DEFINE_float("end_learning_rate", 0.0001, "Where polynomial and cosine end.", lower_bound=0.0)
    flags.DEFINE_float("learning_rate_decay_factor", 0.94, "Factor of every drop of exponential.", lower_bound=0.0)
    flags.DEFINE_float("num_epochs_per_decay", 2.0, "Epochs between the drops of exponential; length of polynomial.",
                       lower_bound=0.0)
    flags.DEFINE_integer("warmup_steps", 0, "Steps over which the learning rate climbs from a tenth.", lower_bound=0)
    flags.DEFINE_float("clip_gradient_norm", 0.0, "Bound on the norm of all gradients together; 0 for none.",
                       lower_bound=0.0)
    flags.DEFINE_float("bias_learning_rate_factor", 1.0, "Learning rate of the biases, as a multiple of the others'.",
                       lower_bound=0.0)
    flags.DEFINE_float("moving_average_decay", None, "Decay of the moving average of the weights; none without it.",
                       0.0, 1.0)
    flags.DEFINE_string("trainable_scopes", None, "Scopes, separated by commas, that are trained; default: all.")


def define_run_flags() -> None:
    """Where, how long, on what, how often reported and saved."""
    flags.DEFINE_string("train_dir", None, "Folder for checkpoints, logs and summaries.")
    flags.DEFINE_integer("max_number_of_steps", None, "Steps to train; default: --num_epochs.", 1, MOST_STEPS)
    flags.DEFINE_float("num_epochs", 232.0, "Passes over the data where --max_number_of_steps is not given; the "
                       "default is the paper's (120,000 steps of 32 on VOC07+12).", lower_bound=0.0)
    flags.DEFINE_integer("least_steps", 0, "Steps to train at least, where neither --max_number_of_steps nor "
                         "--num_epochs is given.", lower_bound=0)
    flags.DEFINE_integer("num_clones", 1, "Copies of the net, one a GPU.", lower_bound=1)
    flags.DEFINE_boolean("clone_on_cpu", False, "Put the clones on the CPU.")
    flags.DEFINE_integer("num_readers", 4, "Parallel readers of the shards.", lower_bound=1)
    flags.DEFINE_integer("labels_offset", 0, "Of the classification nets; an SSD's class 0 is its background.")
    flags.DEFINE_integer("train_image_size", None, "Side of the network's input in pixels; default: the net's own. "
                         "Larger places boxes better, smaller trains faster.", 1, MOST_PIXELS)
    flags.DEFINE_integer("seed", None, "Makes two runs equal, with one reader and one preprocessing thread on a CPU; "
                         "a run that resumes draws other pictures than it began with.")
    flags.DEFINE_integer("log_every_n_steps", 10, "Steps between two lines of the log.", lower_bound=1)
    flags.DEFINE_integer("save_summaries_secs", 600, "Seconds between two summaries; 0 for none.", lower_bound=0)
    flags.DEFINE_integer("save_interval_secs", 600, "Seconds between two checkpoints.", lower_bound=1)
    flags.DEFINE_integer("max_to_keep", 5, "Newest checkpoints that are kept; the best one is kept beside them.",
                         1, MOST_STEPS)
    flags.DEFINE_integer("eval_every_n_steps", None, "Evaluate as often on --eval_split, and keep the best checkpoint; "
                         "default: never.", lower_bound=1)
    flags.DEFINE_string("eval_split", "val", "The split for --eval_every_n_steps.")


def define_starting_point_flags() -> None:
    """Which weights training starts from."""
    flags.DEFINE_string("checkpoint_path", None, "Where to start from: a checkpoint, any file of one, its folder, or "
                        "published weights: slim's vgg_16.ckpt or mobilenet_v1 checkpoints, Keras' VGG16 .h5, a "
                        ".caffemodel of SSD or VGG-16.")
    flags.DEFINE_string("checkpoint_model_scope", None, "Scope of the net in that checkpoint where it differs; /: "
                        "none.")
    flags.DEFINE_string("checkpoint_exclude_scopes", None, "Scopes, separated by commas, that are not restored.")
    flags.DEFINE_boolean("ignore_missing_vars", False, "Accept a checkpoint that lacks variables of the net.")
