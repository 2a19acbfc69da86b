"""Photometric distortion: brightness, contrast, saturation and hue, drawn at random for each picture.

Works on pictures `[H, W, 3] float32` of 0 to 255; where they are cut or how they are resized is not this module's job.
Two sets of numbers: `SLIM_COLOURS`, the documented pipeline's, and `PAPER_COLOURS`, those of Liu et al. 2016 (section
2.2, "Data augmentation", after Howard 2013) as Caffe's SSD has them; its hue delta of 18 is taken for degrees, where
OpenCV's 8-bit pictures would make twice as many of it.

Saturation and hue are those of HSV. All arithmetic on pixels is in two functions that XLA compiles, `linear_then_hsv`
and `linear_then_whiten`: each reads and writes the picture once, where one operation after the other takes three times
as long. XLA compiles for one size, so a picture comes to it as its pixels, `[N, 3]`, filled up to the largest size.
"""
from dataclasses import dataclass

from tf_extended.compat import tf
from tf_extended.xla import jit_compiled

WHITE = 255.0
# Grey levels too small to be seen, against a sign of 0 and against 0 / 0.
TINY_GREY, TINY = 1e-4, 1e-6
# The amount of each change that changes nothing.
NEUTRAL = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
Planes = list[tf.Tensor]
Linear = tuple[tf.Tensor, tf.Tensor]


@dataclass(frozen=True)
class Photometric:
    """How colours are distorted; `distort` draws the amounts.

    probability: of each of the four changes, by itself. brightness: the largest shift, in grey levels of 255.
    contrast, saturation: ranges of a factor, above 0. hue: the largest turn, in degrees of the colour circle. orders:
    one of them is drawn for each picture; its steps are of `brightness`, `contrast`, `brightness+contrast` (in that
    order) and `saturation`, `hue`, `saturation+hue` (which commute), by turns of the first and the second kind.
    contrast_about: the grey that a change of contrast keeps, `mean` of each channel or `black`. clip_each: to 0..255
    after each change, as 8-bit pictures do; without it only at the end.
    """

    probability: float
    brightness: float
    contrast: tuple[float, float]
    saturation: tuple[float, float]
    hue: float
    orders: tuple[tuple[str, ...], ...]
    contrast_about: str
    clip_each: bool


# The documented orders in as few steps as give the same pictures: brightness commutes with a turn of the hue, and with
# a contrast about the mean.
SLIM_COLOURS = Photometric(
    probability=1.0, brightness=32.0, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=72.0,
    orders=(
        ("brightness", "saturation+hue", "contrast"),
        ("saturation", "brightness+contrast", "hue"),
        ("brightness+contrast", "saturation+hue"),
        ("saturation+hue", "brightness+contrast"),
    ),
    contrast_about="mean", clip_each=False,
)
PAPER_COLOURS = Photometric(
    probability=0.5, brightness=32.0, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=18.0,
    orders=(("brightness+contrast", "saturation+hue"), ("brightness", "saturation+hue", "contrast")),
    contrast_about="black", clip_each=True,
)


def distort(image: tf.Tensor, photometric: Photometric | None, most_pixels: int,
            means: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> tf.Tensor:
    """The picture [H, W, 3] after random changes of its colours, within 0 to 255, less the `means` of its channels.

    most_pixels: the largest H * W there will be; where it is the only one, the static shape should say so. Without
    `photometric` no colour changes.
    """
    pixels = pad_pixels(image, most_pixels)
    linear, clip_each = neutral(), False
    if photometric is not None:
        amounts, clip_each = draw_amounts(photometric), photometric.clip_each
        index = tf.random.uniform([], maxval=len(photometric.orders), dtype=tf.int32)
        pixels, *linear = tf.switch_case(index, [
            lambda order=order: apply_order(pixels, order, amounts, photometric, tf.shape(image))
            for order in photometric.orders])
    return in_shape(linear_then_whiten(pixels, *linear, clip_each, tf.constant(means)), tf.shape(image))


def draw_amounts(photometric: Photometric) -> dict[str, tf.Tensor]:
    """A scalar for each of brightness, contrast, saturation and hue; the neutral one where a change was not drawn."""
    low = [-photometric.brightness, photometric.contrast[0], photometric.saturation[0], -photometric.hue]
    high = [photometric.brightness, photometric.contrast[1], photometric.saturation[1], photometric.hue]
    chance, position = tf.unstack(tf.random.uniform([2, 4]))
    drawn = tf.constant(low) + position * (tf.constant(high) - tf.constant(low))
    amounts = tf.where(chance < photometric.probability, drawn, tf.constant(list(NEUTRAL.values())))
    return dict(zip(NEUTRAL, tf.unstack(amounts), strict=True))


def neutral() -> Linear:
    """The linear change that changes nothing; a linear change is (x + shift [3]) * scale."""
    return tf.zeros([3]), tf.ones([])


def apply_order(pixels: tf.Tensor, order: tuple[str, ...], amounts: dict, photometric: Photometric,
                shape: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The steps of one order with given amounts: the pixels, and shift and scale of what is left to be done with them.

    pixels [N, 3], of which the first are those of a picture of `shape` [3]. Linear changes wait for the next pass.
    """
    linear = neutral()
    for step in order:
        given = NEUTRAL | {name: amounts[name] for name in step.split("+")}
        brightness, contrast, saturation, hue = (tf.cast(given[name], tf.float32) for name in NEUTRAL)
        if "contrast" not in step and "brightness" not in step:
            pixels = linear_then_hsv(pixels, *linear, photometric.clip_each, hue,
                                     saturation if "saturation" in step else None)
            linear = neutral()
        elif photometric.contrast_about == "mean":
            linear = about_mean(in_shape(pixels, shape), brightness, contrast)
        else:
            linear = tf.fill([3], brightness), contrast
    return pixels, *linear


def about_mean(image: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor) -> Linear:
    """The linear change that takes distances from each channel's mean times `contrast`, and shifts by `brightness`."""
    mean = tf.reduce_mean(tf.reduce_mean(image, axis=0), axis=0)  # over both axes at once takes twice as long
    return (mean + brightness) / contrast - mean, contrast


def pad_pixels(image: tf.Tensor, most_pixels: int) -> tf.Tensor:
    """The pixels [most_pixels, 3] of a picture [H, W, 3], after which come zeros."""
    pixels = tf.reshape(image, [-1, 3])
    if pixels.get_shape().as_list()[0] == most_pixels:
        return pixels
    return tf.ensure_shape(tf.pad(pixels, [[0, most_pixels - tf.shape(pixels)[0]], [0, 0]]), [most_pixels, 3])


def in_shape(pixels: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Inverse of `pad_pixels`: the picture of `shape` [3] at the beginning of `pixels`."""
    return tf.reshape(pixels[:shape[0] * shape[1]], shape)


@jit_compiled
def linear_then_hsv(pixels: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor, clip_each: bool, hue: tf.Tensor,
                    saturation: tf.Tensor | None) -> tf.Tensor:
    """A linear change, and after it one of hue and saturation, in one pass over pixels [N, 3]."""
    return _from_planes(turn_hsv(change_linearly(_to_planes(pixels), shift, scale, clip_each), hue, saturation))


@jit_compiled
def linear_then_whiten(pixels: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor, clip_each: bool,
                       means: tf.Tensor) -> tf.Tensor:
    """The last linear change, 0 to 255, less the `means`, in one pass over pixels [N, 3]."""
    planes = clip(change_linearly(_to_planes(pixels), shift, scale, clip_each))
    return _from_planes([plane - mean for plane, mean in zip(planes, tf.unstack(means), strict=True)])


def _to_planes(pixels: tf.Tensor) -> Planes:
    return tf.unstack(pixels, num=3, axis=1)


def _from_planes(planes: Planes) -> tf.Tensor:
    # A transposed stack becomes one loop over the pixels; a stack along the last axis becomes three.
    return tf.transpose(tf.stack(planes))


def change_linearly(planes: Planes, shift: tf.Tensor, scale: tf.Tensor, clip_each: bool) -> Planes:
    """(plane + its `shift`) * `scale`; with `clip_each` both the sum and the product are brought to 0..255."""
    shifted = [plane + by for plane, by in zip(planes, tf.unstack(shift, num=3), strict=True)]
    scaled = [plane * scale for plane in (clip(shifted) if clip_each else shifted)]
    return clip(scaled) if clip_each else scaled


def clip(planes: Planes) -> Planes:
    """The planes within 0 to 255."""
    return [tf.minimum(tf.maximum(plane, 0.0), WHITE) for plane in planes]


def turn_hsv(planes: Planes, hue: tf.Tensor, saturation: tf.Tensor | None = None) -> Planes:
    """Hue turned by degrees, saturation times a factor (no further than fully saturated), value kept: HSV.

    Without `saturation` colours beyond 0 to 255, more than saturated, stay so.
    With V the largest of R, G, B and C = V - min the chroma, S = C / V. Each plane is V - C + C * ramp(hue), where the
    ramp of a colour is 1 within a sextant of its own, 0 opposite, and linear between.
    """
    red, green, blue = planes
    value = tf.maximum(tf.maximum(red, green), blue)
    least = tf.minimum(tf.minimum(red, green), blue)
    chroma = value - least
    new_chroma = chroma if saturation is None else tf.minimum(chroma * saturation, tf.maximum(value, 0.0))
    low = value - new_chroma
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
