"""The values that flags offer and recipes set are those that their readers know.

They are typed twice, because the modules that define flags may not import those readers.
"""
import pytest
from absl import flags

from nets import detection, losses, matching, ssd
from nets.anchor_sets import NAMED
from preprocessing.augmentation import AUGMENTATIONS
from preprocessing.ssd_vgg_preprocessing import Resize
from tf_extended import shared_flags, training_flags
from tf_extended.evaluation import eval_flags

VALUES = {
    "matching": matching.STRATEGIES, "mining": losses.MININGS, "loss_normalization": losses.NORMALIZATIONS,
    "initializer": ssd.INITIALIZERS, "keep_top_k_per": detection.KEEP_PER,
    **dict.fromkeys(("augmentation", "crop", "colours", "interpolation"), AUGMENTATIONS),
}


@pytest.fixture
def offered(monkeypatch):
    """The values of every enum flag of the training and the evaluation, by the flag's name."""
    found = {}
    for name in dir(flags):
        if name.startswith("DEFINE_"):
            monkeypatch.setattr(flags, name, lambda *_, **__: None)
    monkeypatch.setattr(flags, "DEFINE_enum", lambda name, _default, values, *_: found.update({name: list(values)}))
    shared_flags.define_augmentation_flags("slim")
    training_flags.define_recipe_flags()
    eval_flags.define_selection_flags(Resize, Resize.WARP_RESIZE, select_threshold=0.01)
    return found


@pytest.mark.parametrize("flag", VALUES)
def test_a_flag_offers_what_its_reader_knows(offered, flag):
    assert sorted(offered[flag]) == sorted(VALUES[flag])


@pytest.mark.parametrize("recipe", training_flags.RECIPES)
def test_a_recipe_sets_what_the_readers_know(recipe):
    row = training_flags.RECIPES[recipe]
    for flag, values in {**VALUES, "anchors": NAMED}.items():
        assert flag not in row or row[flag] in values
