"""Photometric distortion: brightness, contrast, saturation and hue, drawn at random for each picture.

Works on the planes R, G, B (`[H, W] float32` of 0 to 255) that `tf_image.to_planes` makes; where the picture is cut or
how it is resized is not this module's job. Two sets of numbers: `SLIM_COLOURS`, the documented pipeline's, and
`PAPER_COLOURS`, those of Liu et al. 2016 (section 2.2, "Data augmentation", after Howard 2013) as Caffe's SSD has them.

Saturation and hue are those of HSV, computed on planes and both in one pass, where TensorFlow's two kernels take
several times as long. What a picture costs is the number of operations that read and write a whole plane.
"""
from dataclasses import dataclass

from tf_extended.compat import tf

WHITE = 255.0
# Grey levels too small to be seen, against a sign of 0 and against 0 / 0.
TINY_GREY, TINY = 1e-4, 1e-6
# The amount of each change that changes nothing.
NEUTRAL = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
Planes = list[tf.Tensor]


@dataclass(frozen=True)
class Photometric:
    """How colours are distorted; `distort` draws the amounts.

    probability: of each of the four changes, by itself. brightness: the largest shift, in grey levels of 255.
    contrast, saturation: ranges of a factor. hue: the largest turn, in degrees of the colour circle. orders: one of
    them is drawn for each picture; `saturation+hue` is both in one pass (they commute), and `contrast+brightness` too
    where the contrast is about the mean. contrast_about: the grey that a change of contrast keeps, `mean` of each
    channel or `black`. clip_each: to 0..255 after each step, as 8-bit pictures do; without it only at the end.
    """

    probability: float
    brightness: float
    contrast: tuple[float, float]
    saturation: tuple[float, float]
    hue: float
    orders: tuple[tuple[str, ...], ...]
    contrast_about: str
    clip_each: bool


# The documented orders in as few passes as give the same pictures: a turn of the hue commutes with brightness, too.
SLIM_COLOURS = Photometric(
    probability=1.0, brightness=32.0, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=72.0,
    orders=(
        ("brightness", "saturation+hue", "contrast"),
        ("saturation", "contrast+brightness", "hue"),
        ("contrast+brightness", "saturation+hue"),
        ("saturation+hue", "contrast+brightness"),
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
    amounts = tf.where(chance < photometric.probability, drawn, tf.constant(list(NEUTRAL.values())))
    return dict(zip(NEUTRAL, tf.unstack(amounts), strict=True))


def apply_order(planes: Planes, order: tuple[str, ...], amounts: dict, photometric: Photometric) -> Planes:
    """The steps of one order, with given amounts."""
    for step in order:
        if photometric.probability < 1.0:
            planes = apply_if_drawn(planes, step.split("+"), amounts, photometric)
        else:
            planes = apply_changes(planes, step.split("+"), amounts, photometric)
    return planes if photometric.clip_each else clip(planes)


def apply_if_drawn(planes: Planes, changes: list[str], amounts: dict, photometric: Photometric) -> Planes:
    """`apply_changes` of those changes whose amounts are not neutral: the others cost nothing."""
    if not changes:
        return planes
    last, others = changes[-1], changes[:-1]
    return tf.cond(
        tf.equal(amounts[last], NEUTRAL[last]),
        lambda: apply_if_drawn(planes, others, amounts, photometric),
        lambda: apply_changes(planes, changes, amounts, photometric))


def apply_changes(planes: Planes, changes: list[str], amounts: dict, photometric: Photometric) -> Planes:
    """One pass over the planes: one change, or two that commute."""
    if "saturation" in changes or "hue" in changes:
        return turn_hsv(planes, **{name: amounts[name] for name in changes})
    if "contrast" in changes:
        shift = amounts["brightness"] if "brightness" in changes else None
        planes = scale_contrast(planes, amounts["contrast"], photometric.contrast_about, shift)
    else:
        planes = shift_brightness(planes, amounts["brightness"])
    return clip(planes) if photometric.clip_each else planes


def clip(planes: Planes) -> Planes:
    """The planes within 0 to 255."""
    return [tf.minimum(tf.maximum(plane, 0.0), WHITE) for plane in planes]


def shift_brightness(planes: Planes, delta: tf.Tensor) -> Planes:
    """`delta` grey levels added."""
    return [plane + delta for plane in planes]


def scale_contrast(planes: Planes, factor: tf.Tensor, about: str, shift: tf.Tensor | None = None) -> Planes:
    """Distances from a grey times `factor`: from the plane's `mean`, or from `black`, which Caffe's SSD keeps.

    `shift` grey levels are added afterwards, in the same pass; about the mean it could as well be before.
    """
    offset = 0.0 if shift is None else shift
    if about == "mean":
        return [plane * factor + (tf.reduce_mean(plane) * (1.0 - factor) + offset) for plane in planes]
    scaled = [plane * factor for plane in planes]
    return scaled if shift is None else shift_brightness(scaled, shift)


def turn_hsv(planes: Planes, hue: tf.Tensor | None = None, saturation: tf.Tensor | None = None) -> Planes:
    """Saturation times a factor (no further than fully saturated), hue turned by degrees, value kept: HSV.

    With V the largest of R, G, B and C = V - min the chroma, S = C / V. Each plane is V - C + C * ramp(hue), where the
    ramp of a colour is 1 within a sextant of its own, 0 opposite, and linear between.
    """
    red, green, blue = planes
    value = tf.maximum(tf.maximum(red, green), blue)
    least = tf.minimum(tf.minimum(red, green), blue)
    chroma = new_chroma = value - least
    if saturation is not None:
        new_chroma = tf.minimum(chroma * saturation, tf.maximum(value, 0.0))
    low = value - new_chroma
    if hue is None:
        kept = new_chroma / tf.maximum(chroma, TINY)
        grey = value - value * kept
        return [tf.maximum(plane * kept + grey, low) for plane in planes]
    # The hue in turns, -1/2 to 1/2: red is 0, green 1/3. One formula for HSV's three cases, as the ramp of red goes on
    # beyond 0 and 1 as (V + R - G - B) / C: how far from red the hue is, 0 to 1/2, is (2 C - (V + R - G - B)) / 6 C.
    from_red = ((chroma - least) - ((red - green) - blue)) / tf.maximum(chroma * 6.0, TINY)
    # Where green equals blue (red or cyan) either sign does, but 0 does not.
    turned = tf.sign((green + TINY_GREY) - blue) * from_red + hue / 360.0
    turned -= tf.floor(turned + 0.5)
    # Red falls with the distance from its own hue; green and blue rise with that from their opposites, at -/+ 1/6.
    # At least `low`: rounding must not take black below 0.
    slope, top, bottom = new_chroma * 6.0, value + new_chroma, low - new_chroma
    return [
        tf.maximum(top - slope * tf.maximum(tf.abs(turned), 1.0 / 6.0), low),
        tf.maximum(bottom + slope * tf.minimum(tf.abs(turned + 1.0 / 6.0), 1.0 / 3.0), low),
        tf.maximum(bottom + slope * tf.minimum(tf.abs(turned - 1.0 / 6.0), 1.0 / 3.0), low),
    ]
