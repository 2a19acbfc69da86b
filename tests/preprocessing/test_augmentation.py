"""Recipes as data."""
from dataclasses import FrozenInstanceError, replace

import pytest
from absl import flags

import tf_extended as tfe
from preprocessing.augmentation import (
    AUGMENTATIONS,
    NONE,
    PAPER,
    SLIM,
    Augmentation,
    describe,
    get_augmentation,
    mixture,
)
from tf_extended import shared_flags


def test_recipes_by_name():
    assert get_augmentation("slim") is SLIM and get_augmentation("paper") is PAPER
    with pytest.raises(tfe.InputError, match="'caffe'.*slim, paper, mild, none"):
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
                                                     ("mild", "bilinear"), ("paper", "bilinear")])
def test_evaluation_resamples_where_training_did(name, interpolation):
    assert get_augmentation(name).eval_interpolation == interpolation


def test_a_mixture_takes_each_piece_from_where_it_is_told():
    assert mixture("paper") == PAPER and mixture("paper", crop=None, flip=None) == PAPER
    mixed = mixture("paper", zoom_out=0.25, zoom_out_max=2.0, crop="slim", colours="none", flip=0.0, vertical_flip=0.5)
    assert (mixed.zoom_out, mixed.zoom_out_max, mixed.flip, mixed.vertical_flip) == (0.25, 2.0, 0.0, 0.5)
    assert mixed.crop is SLIM.crop and mixed.colours is None and mixed.interpolation == PAPER.interpolation
    assert mixture("paper", mosaic=0.4) == replace(PAPER, mosaic=0.4) and PAPER.mosaic == 0.0
    assert "mosaic p=0.4, zoom-out" in describe(mixture("paper", mosaic=0.4))
    assert mixture("none", interpolation="paper").eval_interpolation == "bilinear"
    with pytest.raises(tfe.InputError, match="'caffe'.*slim, paper, mild, none"):
        mixture("paper", crop="caffe")
    assert mixture("paper", crop_scale=0.7) == replace(PAPER, crop=replace(PAPER.crop, scale=(0.7, 1.0)))
    with pytest.raises(tfe.InputError, match="crop_scale 0.7.*--crop=paper"):
        mixture("slim", crop_scale=0.7)


def test_how_far_to_zoom_out_is_refused_where_nothing_does():
    assert mixture("slim", zoom_out=0.5, zoom_out_max=2.0) == replace(SLIM, zoom_out=0.5, zoom_out_max=2.0)
    with pytest.raises(tfe.InputError, match="zoom_out_max 2: nothing is zoomed out here; give --zoom_out"):
        mixture("slim", zoom_out_max=2.0)
    with pytest.raises(TypeError, match="mixup"):
        mixture("paper", mixup=1.0)


def test_a_mixture_by_flags(monkeypatch):
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    for name in ("DEFINE_enum", "DEFINE_float"):
        define = getattr(flags, name)
        monkeypatch.setattr(flags, name, lambda *a, define=define, **k: define(*a, **k, flag_values=values))
    shared_flags.define_augmentation_flags("slim")
    values(["program"])

    assert set(shared_flags.augmentation_pieces(values)) == {
        "name", "crop_scale", *Augmentation.__dataclass_fields__}

    def asked():
        return mixture(**shared_flags.augmentation_pieces(values))

    assert asked() == SLIM
    values(["program", "--augmentation=none", "--colours=paper", "--vertical_flip=0.5", "--rotation=0.3"])
    assert asked() == replace(NONE, colours=PAPER.colours, vertical_flip=0.5, rotation=0.3)
    assert "rotation p=0.3, vertical flip p=0.5" in describe(asked())


def test_the_recipes_have_the_documented_numbers():
    """Of the documented pipeline, and of FACTS' account of Caffe's SSD; typed here once more."""
    crop, colours = SLIM.crop, SLIM.colours
    assert (crop.min_object_covered, crop.aspect_ratio_range, crop.area_range, crop.max_attempts,
            crop.min_overlap) == (0.25, (0.6, 1.67), (0.1, 1.0), 200, 0.5)
    assert (colours.probability, colours.brightness, colours.contrast, colours.saturation, colours.hue) == (
        1.0, 32.0, (0.5, 1.5), (0.5, 1.5), 72.0)
    crop, colours = PAPER.crop, PAPER.colours
    assert (crop.min_ious, crop.scale, crop.aspect, crop.trials) == (
        (0.1, 0.3, 0.5, 0.7, 0.9, 0.0), (0.3, 1.0), (0.5, 2.0), 50)
    assert (colours.probability, colours.brightness, colours.contrast, colours.saturation, colours.hue) == (
        0.5, 32.0, (0.5, 1.5), (0.5, 1.5), 18.0)
    assert (PAPER.zoom_out, PAPER.zoom_out_max, PAPER.flip) == (0.5, 4.0, 0.5)
    assert (SLIM.zoom_out, SLIM.flip, SLIM.interpolation) == (0.0, 0.5, ("bilinear_slim",))


def test_the_mild_recipe_is_the_papers_with_less_of_zoom():
    mild = AUGMENTATIONS["mild"]
    assert (mild.zoom_out_max, mild.crop.scale) == (1.5, (0.6, 1.0))
    assert replace(mild, zoom_out_max=4.0, crop=PAPER.crop) == PAPER
