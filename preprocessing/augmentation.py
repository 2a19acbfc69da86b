"""What a training sample goes through, as data: the recipes `SLIM`, `PAPER`, `MILD`, `NONE`, and mixtures of them.

A recipe names the pieces and their numbers; running them is `ssd_vgg_preprocessing.preprocess_for_train`'s job. A
mixture is made by `mixture`: `mixture("paper", zoom_out=0.0)` is the paper's recipe without zoom-out.
"""
from dataclasses import dataclass, replace
from typing import Any

import tf_extended as tfe
from preprocessing.colours import PAPER_COLOURS, SLIM_COLOURS, Photometric
from preprocessing.windows import DistortedCrop, PatchCrop


@dataclass(frozen=True)
class Augmentation:
    """Pieces in their order; `None` or a probability of 0 leaves a piece out.

    mosaic: probability of joining several pictures to one before anything else, see `mosaic`; in no recipe.
    zoom_out, zoom_out_max: zoom-out, at most that many times the sides. crop: `DistortedCrop`, `PatchCrop`, or another
    object with their two methods. interpolation: names of `tf_image.INTERPOLATIONS`, one is drawn for each picture.
    colours: see `colours.Photometric`. flip: probability of a mirror image, left for right. For pictures that have no
    up and down (microscopes, the air), and in no recipe: vertical_flip, the same for top and bottom; rotation,
    probability of turning by any angle, for objects that are more or less round (see `tfe.bboxes_rotate`).
    """

    mosaic: float = 0.0
    zoom_out: float = 0.0
    zoom_out_max: float = 4.0
    crop: DistortedCrop | PatchCrop | None = None
    interpolation: tuple[str, ...] = ("bilinear_slim",)
    colours: Photometric | None = None
    flip: float = 0.0
    vertical_flip: float = 0.0
    rotation: float = 0.0

    @property
    def eval_interpolation(self) -> str:
        """The resampling for evaluating a net trained so: where pixels lie, half a one aside, is learnt too."""
        return "bilinear_slim" if "bilinear_slim" in self.interpolation else "bilinear"


NONE = Augmentation()
SLIM = Augmentation(crop=DistortedCrop(), colours=SLIM_COLOURS, flip=0.5)
PAPER = Augmentation(
    zoom_out=0.5, zoom_out_max=4.0, crop=PatchCrop(),
    interpolation=("nearest", "bilinear", "bicubic", "area", "lanczos"), colours=PAPER_COLOURS, flip=0.5,
)
# The paper's, with two thirds to 1.7 times the size (1 / 1.5, 1 / .6) in place of a quarter to 3.3 times: few pictures
# are learned sooner so.
MILD = replace(PAPER, zoom_out_max=1.5, crop=PatchCrop(scale=(0.6, 1.0)))
AUGMENTATIONS = {"slim": SLIM, "paper": PAPER, "mild": MILD, "none": NONE}


def get_augmentation(name: str) -> Augmentation:
    """The recipe of that name. Raises InputError, listing the names, for another one."""
    if name not in AUGMENTATIONS:
        raise tfe.InputError(f"augmentation {name!r}: expected one of {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[name]


# The pieces of which a mixture is told a recipe's name instead of a value.
RECIPE_PIECES = ("crop", "colours", "interpolation")


def mixture(name: str, crop_scale: float | None = None, **pieces: Any) -> Augmentation:
    """The recipe `name`, with `pieces` (fields of `Augmentation`) in place of its own; None: the recipe's own.

    crop, colours, interpolation: the name of the recipe whose piece is taken; crop_scale: the least scale of the
    paper's patches, see `PatchCrop`. Raises InputError for an unknown recipe and for a number of a crop or a zoom-out
    that is not there, TypeError for an unknown piece.
    """
    chosen = {piece: getattr(get_augmentation(value), piece) if piece in RECIPE_PIECES else value
              for piece, value in pieces.items() if value is not None}
    mixed = replace(get_augmentation(name), **chosen)
    if "zoom_out_max" in chosen and mixed.zoom_out == 0.0:
        raise tfe.InputError(f"zoom_out_max {mixed.zoom_out_max:g}: nothing is zoomed out here; give --zoom_out, its "
                             "probability, as well")
    if crop_scale is None:
        return mixed
    if not isinstance(mixed.crop, PatchCrop):
        raise tfe.InputError(f"crop_scale {crop_scale:g}: only the paper's crop has a scale; give --crop=paper as well")
    return replace(mixed, crop=replace(mixed.crop, scale=(crop_scale, 1.0)))


def describe(augmentation: Augmentation) -> str:
    """The pieces in one line, for logs."""
    parts = []
    if augmentation.mosaic > 0.0:
        parts.append(f"mosaic p={augmentation.mosaic:g}")
    if augmentation.zoom_out > 0.0:
        parts.append(f"zoom-out p={augmentation.zoom_out:g} up to x{augmentation.zoom_out_max:g}")
    if augmentation.crop is not None:
        parts.append(str(augmentation.crop))
    parts.append(f"resize {'|'.join(augmentation.interpolation)}")
    colours = augmentation.colours
    if colours is not None:
        parts.append(
            f"colours p={colours.probability:g} (brightness +-{colours.brightness:g}, "
            f"contrast {colours.contrast[0]:g}-{colours.contrast[1]:g}, "
            f"saturation {colours.saturation[0]:g}-{colours.saturation[1]:g}, hue +-{colours.hue:g} deg)")
    if augmentation.rotation > 0.0:
        parts.append(f"rotation p={augmentation.rotation:g}")
    if augmentation.flip > 0.0:
        parts.append(f"flip p={augmentation.flip:g}")
    if augmentation.vertical_flip > 0.0:
        parts.append(f"vertical flip p={augmentation.vertical_flip:g}")
    return ", ".join(parts)
