"""Photometric distortion: brightness, contrast, saturation and hue, drawn at random for each picture.

Works on the planes R, G, B (`[H, W] float32` of 0 to 255) that `tf_image.to_planes` makes; where the picture is cut or
how it is resized is not this module's job. Two sets of numbers: `SLIM_COLOURS`, the documented pipeline's, and
`PAPER_COLOURS`, those of Liu et al. 2016 (section 2.2, "Data augmentation", after Howard 2013) as Caffe's SSD has them.

Saturation and hue are those of HSV, computed on planes and both in one pass: 0.3 ms a picture of 300 x 300 where
TensorFlow's two kernels take 3.5 ms.
"""
from dataclasses import dataclass

from tf_extended.compat import tf

WHITE = 255.0
Planes = list[tf.Tensor]


@dataclass(frozen=True)
class Photometric:
    """How colours are distorted; `distort` draws the amounts.

    probability: of each of the four changes, by itself. brightness: the largest shift, in grey levels of 255.
    contrast, saturation: ranges of a factor. hue: the largest turn, in degrees of the colour circle. orders: one of
    them is drawn for each picture; `saturation+hue` is both in one pass (they commute). contrast_about: the grey that a
    change of contrast keeps, `mean` of each channel or `black`. clip_each: to 0..255 after each step, as 8-bit
    pictures do; without it only at the end.
    """

    probability: float
    brightness: float
    contrast: tuple[float, float]
    saturation: tuple[float, float]
    hue: float
    orders: tuple[tuple[str, ...], ...]
    contrast_about: str
    clip_each: bool


SLIM_COLOURS = Photometric(
    probability=1.0, brightness=32.0, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=72.0,
    orders=(
        ("brightness", "saturation+hue", "contrast"),
        ("saturation", "brightness", "contrast", "hue"),
        ("contrast", "hue", "brightness", "saturation"),
        ("saturation+hue", "contrast", "brightness"),
    ),
    contrast_about="mean", clip_each=False,
)
PAPER_COLOURS = Photometric(
    probability=0.5, brightness=32.0, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=18.0,
    orders=(("brightness", "contrast", "saturation+hue"), ("brightness", "saturation+hue", "contrast")),
    contrast_about="black", clip_each=True,
)


def distort(planes: Planes, photometric: Photometric) -> Planes:
    """The planes after random changes of brightness, contrast, saturation and hue, within 0 to 255."""
    amounts = draw_amounts(photometric)
    orders = photometric.orders
    index = tf.random.uniform([], maxval=len(orders), dtype=tf.int32)
    branches = [lambda order=order: apply_order(planes, order, amounts, photometric) for order in orders]
    return tf.switch_case(index, branches)


def draw_amounts(photometric: Photometric) -> dict[str, tf.Tensor]:
    """A scalar for each of brightness, contrast, saturation and hue; the neutral one where a change was not drawn."""
    low = [-photometric.brightness, photometric.contrast[0], photometric.saturation[0], -photometric.hue]
    high = [photometric.brightness, photometric.contrast[1], photometric.saturation[1], photometric.hue]
    chance, position = tf.unstack(tf.random.uniform([2, 4]))
    drawn = tf.constant(low) + position * (tf.constant(high) - tf.constant(low))
    amounts = tf.where(chance < photometric.probability, drawn, tf.constant([0.0, 1.0, 1.0, 0.0]))
    return dict(zip(("brightness", "contrast", "saturation", "hue"), tf.unstack(amounts), strict=True))


def apply_order(planes: Planes, order: tuple[str, ...], amounts: dict, photometric: Photometric) -> Planes:
    """The steps of one order, with given amounts."""
    steps = {
        "brightness": lambda p: shift_brightness(p, amounts["brightness"]),
        "contrast": lambda p: scale_contrast(p, amounts["contrast"], photometric.contrast_about),
        "saturation": lambda p: turn_hsv(p, saturation=amounts["saturation"]),
        "hue": lambda p: turn_hsv(p, hue=amounts["hue"]),
        "saturation+hue": lambda p: turn_hsv(p, hue=amounts["hue"], saturation=amounts["saturation"]),
    }
    for step in order:
        planes = steps[step](planes)
        if photometric.clip_each and step in ("brightness", "contrast"):
            planes = clip(planes)
    return planes if photometric.clip_each else clip(planes)


def clip(planes: Planes) -> Planes:
    """The planes within 0 to 255."""
    return [tf.minimum(tf.maximum(plane, 0.0), WHITE) for plane in planes]


def shift_brightness(planes: Planes, delta: tf.Tensor) -> Planes:
    """`delta` grey levels added."""
    return [plane + delta for plane in planes]


def scale_contrast(planes: Planes, factor: tf.Tensor, about: str) -> Planes:
    """Distances from a grey times `factor`: from the plane's `mean`, or from `black`, which Caffe's SSD keeps."""
    if about == "black":
        return [plane * factor for plane in planes]
    return [plane * factor + tf.reduce_mean(plane) * (1.0 - factor) for plane in planes]


def turn_hsv(planes: Planes, hue: tf.Tensor | None = None, saturation: tf.Tensor | None = None) -> Planes:
    """Saturation times a factor (no further than fully saturated), hue turned by degrees, value kept: HSV.

    With V the largest of R, G, B and C = V - min the chroma, S = C / V. Each plane is V - C + C * ramp(hue), where the
    ramp of a colour is 1 within a sextant of its own, 0 opposite, and linear between.
    """
    red, green, blue = planes
    value = tf.maximum(tf.maximum(red, green), blue)
    chroma = value - tf.minimum(tf.minimum(red, green), blue)
    # Grey has no hue; the tiny chroma keeps 0 / 0 away, and whatever hue comes out is multiplied by 0.
    inverse = 1.0 / tf.maximum(chroma, 1e-6)
    new_chroma = chroma
    if saturation is not None:
        new_chroma = tf.minimum(chroma * saturation, tf.maximum(value, 0.0))
    if hue is None:
        shrink = new_chroma * inverse
        return [value - (value - plane) * shrink for plane in planes]
    sextant = tf.where(
        tf.equal(red, value), (green - blue) * inverse,
        tf.where(tf.equal(green, value), (blue - red) * inverse + 2.0, (red - green) * inverse + 4.0),
    ) + hue / 60.0
    sextant -= tf.floor(sextant * (1.0 / 6.0)) * 6.0
    low = value - new_chroma
    ramps = (tf.abs(sextant - 3.0) - 1.0, 2.0 - tf.abs(sextant - 2.0), 2.0 - tf.abs(sextant - 4.0))
    return [low + new_chroma * tf.minimum(tf.maximum(ramp, 0.0), 1.0) for ramp in ramps]
