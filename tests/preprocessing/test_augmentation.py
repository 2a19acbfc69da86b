"""Recipes as data."""
from dataclasses import FrozenInstanceError, replace

import pytest

import tf_extended as tfe
from preprocessing.augmentation import AUGMENTATIONS, NONE, PAPER, SLIM, describe, get_augmentation


def test_recipes_by_name():
    assert get_augmentation("slim") is SLIM and get_augmentation("paper") is PAPER
    with pytest.raises(tfe.InputError, match="'caffe'.*slim, paper, none"):
        get_augmentation("caffe")


def test_a_recipe_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        PAPER.flip = 0.0
    assert replace(PAPER, flip=0.0).flip == 0.0 and PAPER.flip == 0.5


def test_each_recipe_is_described_in_one_line():
    lines = {name: describe(recipe) for name, recipe in AUGMENTATIONS.items()}
    assert lines["none"] == "resize bilinear_slim" == describe(NONE)
    assert "zoom-out p=0.5 up to x4" in lines["paper"] and "IoU >= 0.1, 0.3" in lines["paper"]
    assert "zoom-out" not in lines["slim"] and "flip p=0.5" in lines["slim"]
    assert all("\n" not in line for line in lines.values())


@pytest.mark.parametrize(("name", "interpolation"), [("slim", "bilinear_slim"), ("none", "bilinear_slim"),
                                                     ("paper", "bilinear")])
def test_evaluation_resamples_where_training_did(name, interpolation):
    assert get_augmentation(name).eval_interpolation == interpolation
