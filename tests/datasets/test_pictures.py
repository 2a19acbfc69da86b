import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from datasets import pictures
from datasets.findings import Findings, Unusable
from datasets.picture_headers import sniff
from datasets.pictures import check_picture, load_picture, reencode, strict_decoder
from datasets.tfrecord_format import make_decoder, make_example
from tests.datasets.picture_fault_cases import PICTURE_FAULTS
from tests.datasets.voc_cases import (
    HEIGHT,
    WIDTH,
    encoded,
    make_voc_folder,
    picture_bytes,
    picture_pixels,
    pillow,
    with_exif,
)
from tf_extended.compat import tf

RGB = picture_pixels()[..., ::-1]


def stored(data):
    """What readers get: the pixels after the re-encoding that the check asks for."""
    picture = check_picture(data, Findings("x"))
    return strict_decoder()(reencode(data, picture) if picture.reencode else data, True)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_picture_is_loaded_upright(orientation):
    data = with_exif(picture_bytes(), orientation)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), int)
    loaded = load_picture(data, check_picture(data, Findings("x")))
    assert loaded.shape == upright.shape
    assert np.abs(loaded - upright).mean() < 2  # two JPEG decoders


def test_a_turned_tiff_is_loaded_upright():
    data = pillow("TIFF", tiffinfo={274: 6})
    np.testing.assert_array_equal(load_picture(data, check_picture(data, Findings("x"))), np.rot90(RGB, -1))


def test_a_cmyk_picture_is_loaded_as_rgb():
    data = pillow("JPEG", "CMYK")
    assert np.abs(load_picture(data, check_picture(data, Findings("x"))).astype(int) - RGB).mean() < 12


@pytest.mark.parametrize("orientation", range(2, 9))
def test_turned_pictures_are_stored_as_exif_means_them(orientation):
    data = with_exif(picture_bytes(), orientation)
    picture = check_picture(data, Findings("x"))._replace(reencode=True)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    difference = np.abs(strict_decoder()(reencode(data, picture), True).astype(int) - upright)
    # Another JPEG decoder: small differences, while a wrong turn differs by far more.
    assert difference.shape == upright.shape and difference.mean() < 2


@pytest.mark.parametrize("suffix", [".bmp", ".tiff"])
def test_other_formats_are_stored_without_loss(suffix):
    np.testing.assert_array_equal(stored(encoded(suffix)), RGB)


def test_cmyk_is_stored_with_the_colours_it_means():
    buffer = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(buffer, "JPEG", quality=95)
    pixels = stored(buffer.getvalue())
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() < 12


def test_colour_jpegs_and_pngs_are_kept_byte_for_byte():
    for data in (picture_bytes(), encoded(".png"), pillow("JPEG", "L"), pillow("PNG", "RGBA")):
        assert not check_picture(data, Findings("x")).reencode


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_of_many_pictures_in_a_file_two_are_decoded(kind, monkeypatch):
    """All of an animation of a few megabytes can be gigabytes."""
    decode, decoded = pictures.cv2.imdecodemulti, []
    monkeypatch.setattr(pictures.cv2, "imdecodemulti", lambda *arguments, **options: decoded.append(
        decode(*arguments, **options)) or decoded[-1])
    shades = [Image.new("RGB", (WIDTH, HEIGHT), (shade, 0, 0)) for shade in (60, 120, 180, 240)]
    with pytest.raises(Unusable, match=f"several in a {kind}; save the one that was annotated"):
        check_picture(pillow(kind, save_all=True, append_images=shades), Findings("x"))
    assert [len(images) for _, images in decoded] == [2]


def test_the_verdict_is_that_of_the_decoder_in_training(tmp_path, capfd):
    """Every damaged JPEG and PNG of the fault suite through slim's TFExampleDecoder."""
    agreed = set()
    with tf.Graph().as_default(), tf.Session() as session:
        record = tf.placeholder(tf.string, [])
        image = make_decoder().decode(record, ["image"])[0]
        for number, fault in enumerate(PICTURE_FAULTS):
            folder = make_voc_folder(tmp_path / str(number), "bad", "good")
            fault.damage(folder)
            paths = [path for path in (folder / "JPEGImages").glob("bad.*") if path.is_file()]
            data = paths[0].read_bytes() if paths else b""
            if sniff(data) not in ("JPEG", "PNG") or fault.kind == "picture_too_large":
                continue
            example = make_example(data, "JPEG", 1, 1, "x", [], [], [], [], [])
            verdicts = []
            for decode in (lambda data: session.run(image, {record: data[1].SerializeToString()}),
                           lambda data: strict_decoder()(data[0], True)):
                try:
                    verdicts.append(decode((data, example)).shape)
                except tf.errors.InvalidArgumentError:
                    verdicts.append("refused")
            assert verdicts[0] == verdicts[1], fault.name
            agreed.add(verdicts[0])
    capfd.readouterr()
    assert len(agreed) > 1 and "refused" in agreed
