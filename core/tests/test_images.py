"""Pictures that people send: what is taken, what is refused and with which words, and what is left of them."""

import io
import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from core.images import LARGEST_BYTES, Encoded, cropped, fitted, open_image

from . import pictures
from .pictures import BLUE, RED, WHITE, encoded, exif, halves, jpeg, png


def opened(data: bytes) -> Image.Image:
    return open_image(io.BytesIO(data), size=len(data))


def refusal(data: bytes, size: int | None = None) -> str | None:
    with pytest.raises(ValidationError) as caught:
        open_image(io.BytesIO(data), size=len(data) if size is None else size)
    return caught.value.code


def near(one: Any, two: Any, by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one[:3], two[:3], strict=True))


def decoded(made: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(made.data))
    assert image.format == "WEBP"
    assert image.size == (made.width, made.height)
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_accepted_format_is_opened(kind: str) -> None:
    image = opened(encoded(halves(), kind))
    assert (image.size, image.mode) == ((80, 40), "RGB")
    assert near(image.getpixel((5, 5)), RED, 40)
    assert near(image.getpixel((75, 35)), BLUE, 40)


@pytest.mark.parametrize("data", pictures.NO_PICTURES.values(), ids=pictures.NO_PICTURES.keys())
def test_what_is_no_picture_is_refused_by_its_content(data: bytes) -> None:
    assert refusal(data) in {"not_an_image", "damaged"}


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"") == "not_an_image"


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_picture_is_refused(kind: str, part: float) -> None:
    noise = Image.effect_noise((120, 90), 80).convert("RGB")
    data = encoded(noise, kind)
    assert refusal(data[: int(len(data) * part)]) in {"damaged", "not_an_image"}


def test_a_truncated_jpeg_is_called_damaged() -> None:
    data = encoded(Image.effect_noise((120, 90), 80), "JPEG")
    assert refusal(data[: len(data) // 2]) == "damaged"


def test_a_hundred_megapixels_are_refused_without_decoding() -> None:
    bomb = pictures.png_bomb()
    assert len(bomb) < 20_000
    started = time.process_time()
    assert refusal(bomb) == "too_many_pixels"
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(("width", "height"), [(50_001, 1_000), (8_000, 6_251), (100_000, 100_000)])
def test_more_pixels_than_the_budget_are_refused(width: int, height: int) -> None:
    assert refusal(pictures.png_claiming(width, height)) == "too_many_pixels"


def test_the_budget_holds_without_pillow_s_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warning is turned into an error for all threads together, so one thread may miss it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert refusal(pictures.png_bomb()) == "too_many_pixels"


def test_a_picture_of_the_whole_budget_is_taken_and_scaled_down() -> None:
    image = opened(pictures.png_bomb(10_000, 5_000))
    assert image.size == (4096, 2048)


def test_more_than_ten_megabytes_are_refused() -> None:
    assert refusal(png(), size=LARGEST_BYTES + 1) == "too_large"


def test_ten_megabytes_are_taken() -> None:
    assert open_image(io.BytesIO(png()), size=LARGEST_BYTES).size == (80, 40)


@pytest.mark.parametrize("code", ["too_large", "too_many_pixels", "not_an_image", "damaged"])
def test_each_refusal_has_words_that_say_what_to_do(code: str) -> None:
    cases = {
        "too_large": (png(), LARGEST_BYTES + 1),
        "too_many_pixels": (pictures.png_bomb(), 1),
        "not_an_image": (pictures.SVG, 1),
        "damaged": (jpeg()[:-200], 1),
    }
    data, size = cases[code]
    with pytest.raises(ValidationError) as caught:
        open_image(io.BytesIO(data), size=size)
    assert caught.value.code == code
    assert "lease" in caught.value.messages[0]


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (1, (2, 2)),
        (2, (77, 2)),
        (3, (77, 37)),
        (4, (2, 37)),
        (5, (2, 2)),
        (6, (37, 2)),
        (7, (37, 77)),
        (8, (2, 77)),
    ],
)
def test_a_picture_is_turned_upright(orientation: int, corner: tuple[int, int]) -> None:
    """The stored top left corner is red; `corner` is where it belongs by the EXIF orientation."""
    image = Image.new("RGB", (80, 40), WHITE)
    image.paste(RED, (0, 0, 16, 16))
    upright = opened(encoded(image, "JPEG", quality=95, exif=exif(orientation=orientation)))
    assert upright.size == ((80, 40) if orientation < 5 else (40, 80))
    assert near(upright.getpixel(corner), RED, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_of_the_metadata_is_left(kind: str) -> None:
    options: dict[str, Any] = {"exif": exif(), "icc_profile": pictures.srgb_profile()}
    if kind != "PNG":
        options["xmp"] = pictures.XMP
    if kind == "JPEG":
        options["comment"] = b"CameraOwner was here"
    data = encoded(halves(), kind, **options)
    assert b"CameraMaker" in data
    made = fitted(opened(data), 80)
    for trace in (b"Camera", b"Somebody", b"EXIF", b"Exif", b"XMP ", b"ICCP", b"xmpmeta"):
        assert trace not in made.data
    image = decoded(made)
    assert dict(image.getexif()) == {}
    assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


def test_a_picture_with_a_program_behind_it_loses_the_program() -> None:
    polyglot = jpeg(comment=pictures.HTML) + pictures.HTML
    made = cropped(opened(polyglot), 64, 64)
    assert b"script" not in made.data


def test_a_colour_profile_is_applied() -> None:
    """In a space whose red and blue have changed places, the file's red is the screen's blue."""
    swapped = bytearray(pictures.srgb_profile())
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    image = opened(encoded(Image.new("RGB", (8, 8), RED), "PNG", icc_profile=bytes(swapped)))
    assert near(image.getpixel((4, 4)), BLUE)


@pytest.mark.parametrize("profile", [b"garbage", b"", b"\x00" * 200])
def test_a_broken_colour_profile_costs_only_the_profile(profile: bytes) -> None:
    image = opened(encoded(halves(), "PNG", icc_profile=profile))
    assert near(image.getpixel((5, 5)), RED)


def test_a_profile_of_another_kind_of_picture_costs_only_the_profile() -> None:
    image = opened(encoded(halves(left=0, right=255, mode="L"), "PNG", icc_profile=pictures.srgb_profile()))
    assert (image.mode, image.size) == ("RGB", (80, 40))


def test_cmyk_becomes_rgb() -> None:
    image = opened(
        encoded(halves(left=(0, 255, 255, 0), right=(255, 255, 0, 0), mode="CMYK"), "JPEG", quality=95)
    )
    assert image.mode == "RGB"
    assert near(image.getpixel((5, 5)), RED, 40)
    assert near(image.getpixel((75, 35)), BLUE, 40)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_is_kept(kind: str) -> None:
    frames = [Image.new("RGB", (30, 20), BLUE) for _frame in range(3)]
    data = encoded(Image.new("RGB", (30, 20), RED), kind, save_all=True, append_images=frames, duration=50)
    image = opened(data)
    assert near(image.getpixel((5, 5)), RED, 40)
    assert getattr(decoded(fitted(image, 30)), "n_frames", 1) == 1


def test_a_palette_with_a_transparent_colour_stays_transparent() -> None:
    palette = halves().quantize(4)
    clear = palette.getpixel((0, 0))
    made = decoded(fitted(opened(encoded(palette, "PNG", transparency=clear)), 80)).convert("RGBA")
    left, right = made.getpixel((5, 5)), made.getpixel((75, 35))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert (left[3], right[3]) == (0, 255)
    assert near(right, BLUE, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_read(mode: str) -> None:
    image = opened(encoded(Image.new(mode, (6, 4)), "PNG"))
    assert image.size == (6, 4)
    assert image.mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")


def test_sixteen_bits_of_grey_keep_their_shade() -> None:
    image = opened(encoded(Image.new("I;16", (6, 4), 32_768), "PNG"))
    assert near(image.getpixel((1, 1)), (128, 128, 128), 3)


def test_one_pixel_is_a_picture() -> None:
    image = opened(png((1, 1)))
    assert decoded(fitted(image, 64)).size == (1, 1)
    assert decoded(cropped(image, 64, 64)).size == (64, 64)


@pytest.mark.parametrize("size", [(80, 40), (40, 80), (3000, 10), (10, 3000), (64, 64)])
@pytest.mark.parametrize("wanted", [(512, 512), (64, 64), (1500, 375)])
def test_a_cropped_picture_has_exactly_the_size_asked_for(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert decoded(cropped(opened(png(size)), *wanted)).size == wanted


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((80, 40), 40, (40, 20)),
        ((40, 80), 40, (20, 40)),
        ((80, 40), 100, (80, 40)),
        ((3000, 10), 1000, (1000, 3)),
    ],
)
def test_a_fitted_picture_keeps_its_shape_and_never_grows(
    size: tuple[int, int], longest: int, expected: tuple[int, int]
) -> None:
    assert decoded(fitted(opened(png(size)), longest)).size == expected


def test_encoding_leaves_the_given_picture_as_it_was() -> None:
    image = opened(png((80, 40)))
    fitted(image, 10)
    cropped(image, 10, 10)
    assert image.size == (80, 40)
