"""Recipes as rows of defaults, and the length of a training."""
import pytest
from absl import flags

from tf_extended import optimization, training_flags
from tf_extended.console import InputError


def test_slim_leaves_the_documented_defaults(parse):
    values = parse("--recipe=slim")
    before = values.flag_values_dict()
    training_flags.apply_recipe(values)
    assert values.flag_values_dict() == before
    assert (values.learning_rate, values.optimizer, values.weight_decay) == (0.01, "rmsprop", 0.00004)
    assert (values.batch_size, values.matching, values.mining, values.augmentation) == (32, "slim", "batch", "slim")


def test_the_paper_and_scratch_share_matching_and_mining(parse):
    for recipe, augmentation in (("paper", "paper"), ("scratch", "mild")):
        values = parse(f"--recipe={recipe}")
        training_flags.apply_recipe(values)
        recipe_values = training_flags.recipe_values(values)
        assert (values.matching, values.mining, values.loss_normalization) == ("paper", "image", "positives")
        assert (values.augmentation, values.dropout_keep_prob) == (augmentation, 1.0)
        assert recipe_values == {name: values[name].value for name in recipe_values}
    assert (values.depth_multiplier, values.batch_norm, values.batch_size) == (0.25, True, 8)


def test_a_flag_on_the_command_line_wins_over_the_recipe(parse):
    values = parse("--recipe=scratch", "--learning_rate=0.5", "--nobatch_norm", "--matching=slim")
    training_flags.apply_recipe(values)
    recipe_values = training_flags.recipe_values(values)
    assert (values.learning_rate, values.batch_norm, values.matching) == (0.5, False, "slim")
    assert recipe_values["learning_rate"] == 0.5 and recipe_values["optimizer"] == "adam"


@pytest.mark.parametrize(("slow", "arguments", "expected"), [
    (True, [], (0.125, 0.003, 0.4)),
    (False, [], (0.25, 0.001, 0.5)),
    (True, ["--learning_rate=0.002"], (0.125, 0.002, 0.4)),
    (True, ["--depth_multiplier=0.25"], (0.25, 0.001, 0.5)),
    (True, ["--depth_multiplier=0.125"], (0.125, 0.003, 0.4)),  # as it would have been without
    (False, ["--depth_multiplier=0.125", "--match_threshold=0.5"], (0.125, 0.003, 0.5)),
    (False, ["--depth_multiplier=0.125", "--model_name=ssd_300_mobilenet_v1"], (0.125, 0.001, 0.5)),
    (False, ["--depth_multiplier=0.125", "--recipe=paper"], (0.125, 0.001, 0.5)),
    (True, ["--model_name=ssd_300_mobilenet_v1"], (0.25, 0.001, 0.5)),
    (True, ["--model_name=ssd_512_vgg"], (0.125, 0.003, 0.4)),
    (True, ["--recipe=paper"], (1.0, 0.001, 0.5)),
    (True, ["--recipe=slim"], (1.0, 0.01, 0.5)),
])
def test_a_slow_machine_gets_a_narrower_net_from_scratch_alone(parse, capsys, slow, arguments, expected):
    values = parse("--recipe=scratch", *arguments)
    training_flags.apply_recipe(values)
    training_flags.apply_width(values, slow)
    assert (values.depth_multiplier, values.learning_rate, values.match_threshold) == expected
    told = "0.125 of" in capsys.readouterr().out
    assert told == (expected[0] == 0.125 and "--depth_multiplier=0.125" not in arguments)
    assert training_flags.recipe_values(values)["match_threshold"] == expected[2]


def test_numbers_that_cannot_be_meant_are_refused(parse):
    for argument in ("--adam_beta1=1.1", "--rmsprop_decay=-0.1", "--opt_epsilon=0", "--match_threshold=1",
                     "--adam_beta1=1", "--adam_beta2=1", "--adagrad_initial_accumulator_value=0",
                     "--ftrl_learning_rate_power=0.5", "--max_number_of_steps=1000000000000000000000"):
        with pytest.raises(flags.Error):
            parse(argument)
    assert parse("--ftrl_learning_rate_power=-0.5").ftrl_learning_rate_power == -0.5
    with pytest.raises(InputError, match="--num_epochs=1e.30: that is 4e.30 steps; expected 1e.09 at most"):
        training_flags.total_steps(parse("--num_epochs=1e30"), 32, 8)


def test_a_default_without_effect_does_no_harm(parse):
    given = ("--dataset_dir=shards", "--train_dir=run")
    training_flags.check(parse(*given, "--ignore_missing_vars=false"))
    with pytest.raises(InputError, match="--ignore_missing_vars means nothing without --checkpoint_path"):
        training_flags.check(parse(*given, "--ignore_missing_vars"))


@pytest.mark.parametrize(("arguments", "pictures", "steps"), [
    (["--recipe=scratch"], 100, 2000),  # 20 passes would be 250 steps of 8
    (["--recipe=scratch"], 4000, 10000),  # 20 × 4000 / 8
    (["--recipe=scratch", "--num_epochs=3"], 100, 38),  # 37.5
    (["--recipe=scratch", "--num_epochs=3", "--num_clones=2"], 100, 19),  # which see twice as many a step
    (["--recipe=scratch", "--max_number_of_steps=7"], 100, 7),
    (["--recipe=slim"], 16551, 119995),  # 232 × 16551 / 32: the paper's 120,000
])
def test_the_length_of_a_training(parse, arguments, pictures, steps):
    values = parse(*arguments)
    training_flags.apply_recipe(values)
    assert training_flags.schedule(values, pictures).total_steps == steps


@pytest.mark.parametrize(("arguments", "end"), [
    (["--learning_rate=0"], 0.0),  # changes nothing, to the end
    (["--learning_rate=0.00002"], 0.00002),  # lower than where the others end: as fixed
    (["--learning_rate=0.001"], 0.0001),
    (["--learning_rate=0.001", "--end_learning_rate=0.0005"], 0.0005),
    (["--recipe=scratch"], 0.00001),
])
def test_no_rate_climbs_to_the_end_of_a_recipe(parse, arguments, end):
    values = parse(*arguments)
    training_flags.apply_recipe(values)
    assert training_flags.schedule(values, 9).end_learning_rate == end
    assert values.end_learning_rate == end  # which the log and run.json state


def test_an_end_above_the_rate_that_is_used_is_refused(parse):
    values = parse("--recipe=scratch", "--end_learning_rate=0.002")  # .001, but .003 with an eighth of the channels
    training_flags.apply_recipe(values)
    with pytest.raises(InputError, match="--end_learning_rate=0.002 is above --learning_rate=0.001: lower it"):
        training_flags.schedule(values, 9)
    training_flags.apply_width(values, slow=True)
    assert training_flags.schedule(values, 9).end_learning_rate == 0.002


@pytest.mark.parametrize(("arguments", "objects", "expected"), [
    (["--recipe=scratch"], 108, 0.4),  # raccoons: about one a picture
    (["--recipe=scratch"], 199, 0.4),
    (["--recipe=scratch"], 200, None),
    (["--recipe=scratch"], 1300, None),  # blood cells
    (["--recipe=scratch"], 0, None),
    (["--recipe=scratch", "--mosaic=0"], 108, 0.0),
    (["--recipe=scratch", "--mosaic=0.7"], 1300, 0.7),
    (["--recipe=scratch", "--augmentation=none"], 108, None),
    (["--recipe=paper"], 108, None),
    (["--recipe=slim"], 108, None),
])
def test_pictures_with_few_objects_are_joined_by_scratch_alone(parse, arguments, objects, expected):
    values = parse(*arguments)
    training_flags.apply_recipe(values)
    training_flags.apply_mosaic(values, None)
    assert values.mosaic == (expected if "--mosaic" in arguments[-1] else None)
    training_flags.apply_mosaic(values, {"num_samples": 100, "objects": {"cat": objects, "dog": 0}})
    assert values.mosaic == expected


@pytest.mark.parametrize(("arguments", "steps", "expected"), [
    (["--recipe=paper"], 120_000, 1000),
    (["--recipe=paper"], 588, 196),  # a third, so that half of what comes before the first drop has the full rate
    (["--recipe=scratch"], 640, 200),
    (["--recipe=scratch"], 300, 100),
    (["--recipe=paper", "--warmup_steps=1000"], 588, 1000),  # asked for
    (["--recipe=slim"], 588, 0),
])
def test_a_short_training_warms_up_shortly(parse, arguments, steps, expected):
    values = parse(*arguments, f"--max_number_of_steps={steps}")
    training_flags.apply_recipe(values)
    schedule = training_flags.schedule(values, 100)
    assert (schedule.warmup_steps, schedule.total_steps) == (expected, steps)
    # What the log and run.json say is what holds.
    recipe_values = training_flags.recipe_values(values)
    assert recipe_values["warmup_steps"] == expected and not {"num_epochs", "least_steps"} & set(recipe_values)


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "--dataset_dir is missing"),
    (["--dataset_dir=a"], "--train_dir is missing"),
    (["--dataset_dir=a", "--train_dir=b", "--labels_offset=1"], "--labels_offset=1"),
    (["--dataset_dir=a", "--train_dir=b", "--num_epochs=0"], "nothing would be trained"),
    (["--dataset_dir=a", "--train_dir=b", "--ignore_missing_vars"],
     "--ignore_missing_vars means nothing without --checkpoint_path"),
    (["--dataset_dir=a", "--train_dir=b", "--num_epochs=3", "--max_number_of_steps=7"],
     "--num_epochs means nothing beside --max_number_of_steps"),
    (["--dataset_dir=a", "--train_dir=b", "--num_epochs=3", "--least_steps=7"],
     "--least_steps means nothing beside --num_epochs"),
    (["--dataset_dir=a", "--train_dir=b", "--optimizer=ftrl", "--learning_rate=0"], "--learning_rate=0 means nothing"),
    (["--dataset_dir=a", "--train_dir=b", "--optimizer=adam", "--rmsprop_decay=0.5"],
     "--rmsprop_decay=0.5 means nothing with --optimizer=adam; leave it out, or give --optimizer=rmsprop"),
    (["--dataset_dir=a", "--train_dir=b", "--optimizer=sgd", "--opt_epsilon=0.1"],
     "--opt_epsilon=0.1 .* give --optimizer=adadelta, adam, rmsprop"),
    (["--dataset_dir=a", "--train_dir=b", "--end_learning_rate=1"], "--learning_rate_decay_type=cosine, polynomial"),
    (["--dataset_dir=a", "--train_dir=b", "--learning_rate_decay_type=step", "--learning_rate_decay_factor=0.5"],
     "--learning_rate_decay_factor=0.5 means nothing with --learning_rate_decay_type=step"),
    (["--dataset_dir=a", "--train_dir=b", "--eval_split=test"], "--eval_split means nothing without --eval_every_n_st"),
])
def test_what_is_missing_or_without_effect_is_refused(parse, arguments, message):
    with pytest.raises(InputError, match=message):
        training_flags.check(parse(*arguments))
    training_flags.check(parse("--dataset_dir=a", "--train_dir=b", "--eval_every_n_steps=9", "--eval_split=test"))


def test_what_is_read_is_accepted_and_so_is_a_default_that_is_spelt_out(parse):
    training_flags.check(parse(
        "--dataset_dir=a", "--train_dir=b", "--optimizer=rmsprop", "--rmsprop_decay=0.5", "--opt_epsilon=0.1",
        "--adam_beta1=0.9", "--learning_rate_decay_type=polynomial", "--end_learning_rate=0.001",
        "--num_epochs_per_decay=9", "--learning_rate_decay_factor=0.94"))
    assert set(training_flags.READ_BY["learning_rate_decay_type"]) == set(optimization.POLICIES)


@pytest.mark.parametrize("flag", ["learning_rate_decay_factor=0.94", "rmsprop_decay=0.9", "end_learning_rate=0.0001"])
def test_a_default_that_is_spelt_out_is_refused_where_the_recipe_does_not_read_it(parse, flag):
    values = parse("--dataset_dir=a", "--train_dir=b", "--recipe=paper", f"--{flag}")
    training_flags.apply_recipe(values)
    with pytest.raises(InputError, match=f"--{flag} means nothing with --[a-z_]*=(step|momentum)"):
        training_flags.check(values)


def test_a_data_set_without_any_object_is_refused():
    training_flags.check_objects(None)
    training_flags.check_objects({"name": "a_train", "num_samples": 3, "objects": {"cat": 1, "dog": 0}})
    with pytest.raises(InputError, match="a_train: its 3 pictures hold no object at all"):
        training_flags.check_objects({"name": "a_train", "num_samples": 3, "objects": {"cat": 0}})


def test_the_documented_flags_have_the_documented_defaults(parse):
    documented = {
        "loss_alpha": 1.0, "negative_ratio": 3.0, "match_threshold": 0.5, "num_clones": 1, "clone_on_cpu": False,
        "num_readers": 4, "num_preprocessing_threads": 4, "log_every_n_steps": 10, "save_summaries_secs": 600,
        "save_interval_secs": 600, "weight_decay": 0.00004, "optimizer": "rmsprop", "adadelta_rho": 0.95,
        "adagrad_initial_accumulator_value": 0.1, "adam_beta1": 0.9, "adam_beta2": 0.999, "opt_epsilon": 1.0,
        "ftrl_learning_rate_power": -0.5, "ftrl_initial_accumulator_value": 0.1, "ftrl_l1": 0.0, "ftrl_l2": 0.0,
        "momentum": 0.9, "rmsprop_momentum": 0.9, "rmsprop_decay": 0.9, "learning_rate_decay_type": "exponential",
        "learning_rate": 0.01, "end_learning_rate": 0.0001, "label_smoothing": 0.0, "learning_rate_decay_factor": 0.94,
        "num_epochs_per_decay": 2.0, "moving_average_decay": None, "labels_offset": 0, "model_name": "ssd_300_vgg",
        "batch_size": 32, "train_image_size": None, "max_number_of_steps": None, "ignore_missing_vars": False}
    values = parse("--recipe=slim")
    assert {name: values[name].value for name in documented} == documented


def test_the_papers_recipe_has_the_documented_numbers(parse):
    values = parse("--recipe=paper")
    training_flags.apply_recipe(values)
    assert (values.optimizer, values.momentum, values.learning_rate, values.learning_rate_decay_type) == (
        "momentum", 0.9, 0.001, "step")
    assert (values.weight_decay, values.bias_learning_rate_factor, values.batch_size, values.warmup_steps) == (
        0.0005, 2.0, 32, 1000)
    assert (values.anchors, values.match_threshold, values.negative_ratio, values.num_epochs) == ("voc", 0.5, 3.0, 232)


def test_the_schedule_is_that_of_the_flags(parse):
    values = parse("--recipe=slim", "--learning_rate_decay_type=polynomial", "--learning_rate=0.02",
                   "--end_learning_rate=0.003", "--learning_rate_decay_factor=0.5", "--num_epochs_per_decay=3",
                   "--num_clones=2", "--warmup_steps=7", "--max_number_of_steps=900")
    # Three passes over 320 pictures, of which a step sees two batches of 32.
    assert training_flags.schedule(values, 320) == optimization.Schedule("polynomial", 0.02, 0.003, 0.5, 15, 900, 7)
    assert not {"num_epochs", "least_steps"} & set(training_flags.recipe_values(values))
    assert {"num_epochs", "least_steps"} <= set(training_flags.recipe_values(parse("--recipe=slim")))
