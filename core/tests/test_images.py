"""Pictures that people send: what is taken, what is refused and with which words, and what is left of them."""

import io
import struct
import time
import zlib
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.files import images
from core.files.images import (
    DECODINGS_AT_ONCE,
    LARGEST_BYTES,
    MOST_WAITING,
    Crop,
    Encoded,
    Fit,
    encode_image,
    read_upload,
)
from tests.cases import all_cases

from . import pictures
from .pictures import BLUE, RED, WHITE, cropped, encoded, exif, fitted, halves, jpeg, png


def made_of(data: bytes, *shapes: Fit | Crop, size: int | None = None) -> list[Encoded]:
    """What is stored of a file: its header is read, then it is decoded."""
    upload = SimpleUploadedFile("beach.jpg", data)
    upload.size = len(data) if size is None else size
    return encode_image(read_upload(upload, "beach.jpg"), *(shapes or (Fit(1600),)))


def opened(data: bytes, longest: int = 1600) -> Image.Image:
    """The picture as it is stored."""
    (made,) = made_of(data, Fit(longest))
    return decoded(made)


def refusal(data: bytes, size: int | None = None) -> str | None:
    with pytest.raises(ValidationError) as caught:
        made_of(data, size=size)
    return caught.value.code


def near(one: Any, two: Any, by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one[:3], two[:3], strict=True))


def decoded(made: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(made.data))
    assert image.format == "WEBP"
    assert image.size == (made.width, made.height)
    return image


def test_each_accepted_format_and_mode_is_opened() -> None:
    with all_cases() as case:
        for kind in ["JPEG", "PNG", "WEBP", "GIF"]:
            with case(kind):
                image = opened(encoded(halves(), kind))
                assert (image.size, image.mode) == ((80, 40), "RGB")
                assert near(image.getpixel((5, 5)), RED, 40)
                assert near(image.getpixel((75, 35)), BLUE, 40)
        for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]:
            with case(mode):
                image = opened(encoded(Image.new(mode, (6, 4)), "PNG"))
                assert image.size == (6, 4)
                assert image.mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")
        with case("a palette with a transparent colour stays transparent"):
            palette = halves().quantize(4)
            clear = palette.getpixel((0, 0))
            made = decoded(fitted(opened(encoded(palette, "PNG", transparency=clear)), 80)).convert("RGBA")
            left, right = made.getpixel((5, 5)), made.getpixel((75, 35))
            assert isinstance(left, tuple)
            assert isinstance(right, tuple)
            assert (left[3], right[3]) == (0, 255)
            assert near(right, BLUE, 40)


def test_files_that_are_no_whole_pictures_are_refused() -> None:
    with all_cases() as case:
        for name, data in pictures.NO_PICTURES.items():
            with case(name):
                assert refusal(data) in {"not_an_image", "damaged"}
        with case("an empty file is refused"):
            assert refusal(b"") == "not_an_image"
        with case("a truncated jpeg is called damaged"):
            data = encoded(Image.effect_noise((120, 90), 80), "JPEG")
            assert refusal(data[: len(data) // 2]) == "damaged"
        for kind in ["JPEG", "PNG", "WEBP", "GIF"]:
            for part in [0.3, 0.6, 0.95]:
                with case((part, kind)):
                    noise = Image.effect_noise((120, 90), 80).convert("RGB")
                    data = encoded(noise, kind)
                    cut = data[: int(len(data) * part)]
                    if kind == "JPEG" and part > 0.9:
                        assert opened(cut).size == (120, 90)  # little of it is missing: as in a browser
                    else:
                        assert refusal(cut) in {"damaged", "not_an_image"}


def test_the_limits_of_pixels_and_bytes_hold() -> None:
    with all_cases() as case:
        with case("a hundred megapixels are refused without decoding"):
            bomb = pictures.png_bomb()
            assert len(bomb) < 20_000
            started = time.process_time()
            assert refusal(bomb) == "too_many_pixels"
            assert time.process_time() - started < 0.5
        for width, height in [(24_001, 1_000), (8_000, 6_251), (100_000, 100_000)]:
            with case((width, height)):
                assert refusal(pictures.png_claiming(width, height)) == "too_many_pixels"
        with case("a picture of the whole budget is taken and scaled down"):
            image = opened(pictures.png_bomb(6_000, 4_000))
            assert image.size == (1600, 1067)
        with case("more than ten megabytes are refused"):
            assert refusal(png(), size=LARGEST_BYTES + 1) == "too_large"
        with case("ten megabytes are taken"):
            (made,) = made_of(png(), size=LARGEST_BYTES)
            assert (made.width, made.height) == (80, 40)
        with case("jpegs of telephones are taken and others of that size are not"):
            photo = Image.new("RGB", (8192, 6144), RED)
            assert opened(encoded(photo, "JPEG")).size == (1600, 1200)
            # Every pixel of these is kept in memory on the way.
            assert refusal(encoded(photo.resize((6001, 4001)), "JPEG", progressive=True)) == "too_many_pixels"
            assert refusal(pictures.jpeg_in_scans(6001, 4001)) == "too_many_pixels"
            assert opened(pictures.jpeg_in_scans(600, 400)).size == (600, 400)
            assert refusal(pictures.png_claiming(6001, 4001)) == "too_many_pixels"


def test_the_budget_holds_without_pillow_s_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warning is turned into an error for all threads together, so one thread may miss it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert refusal(pictures.png_bomb()) == "too_many_pixels"


def test_each_refusal_has_words_that_say_what_to_do() -> None:
    refused = {
        "too_large": (png(), LARGEST_BYTES + 1),
        "too_many_pixels": (pictures.png_bomb(), 1),
        "not_an_image": (pictures.SVG, 1),
        "damaged": (png()[:-30], 1),
    }
    with all_cases() as case:
        for code, (data, size) in refused.items():
            with case(code):
                with pytest.raises(ValidationError) as caught:
                    made_of(data, size=size)
                assert caught.value.code == code
                assert caught.value.messages[0].startswith("beach.jpg ")
                assert "lease" in caught.value.messages[0]


def test_a_picture_is_turned_upright() -> None:
    """The stored top left corner is red; `corner` is where it belongs by the EXIF orientation."""
    with all_cases() as case:
        corners = [(2, 2), (77, 2), (77, 37), (2, 37), (2, 2), (37, 2), (37, 77), (2, 77)]
        for orientation, corner in enumerate(corners, start=1):
            with case((orientation, corner)):
                image = Image.new("RGB", (80, 40), WHITE)
                image.paste(RED, (0, 0, 16, 16))
                upright = opened(encoded(image, "JPEG", quality=95, exif=exif(orientation=orientation)))
                assert upright.size == ((80, 40) if orientation < 5 else (40, 80))
                assert near(upright.getpixel(corner), RED, 40)


def test_nothing_of_the_metadata_is_left_nor_a_program_behind_a_picture() -> None:
    with all_cases() as case:
        for kind in ["JPEG", "PNG", "WEBP"]:
            with case(kind):
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
        with case("a picture with a program behind it loses the program"):
            polyglot = jpeg(comment=pictures.HTML) + pictures.HTML
            made = cropped(opened(polyglot), 64, 64)
            assert b"script" not in made.data


def test_colours_come_out_as_they_are_on_the_screen() -> None:
    with all_cases() as case:
        with case("a colour profile is applied"):
            # In a space whose red and blue have changed places, the file's red is the screen's blue.
            swapped = pictures.swapped_profile()
            image = opened(encoded(Image.new("RGB", (8, 8), RED), "PNG", icc_profile=swapped))
            assert near(image.getpixel((4, 4)), BLUE)
        for profile in [b"garbage", b"", b"\x00" * 200]:
            with case(profile):
                image = opened(encoded(halves(), "PNG", icc_profile=profile))
                assert near(image.getpixel((5, 5)), RED)
        with case("a profile of another kind of picture costs only the profile"):
            image = opened(
                encoded(halves(left=0, right=255, mode="L"), "PNG", icc_profile=pictures.srgb_profile())
            )
            assert (image.mode, image.size) == ("RGB", (80, 40))
        with case("cmyk becomes rgb"):
            image = opened(
                encoded(
                    halves(left=(0, 255, 255, 0), right=(255, 255, 0, 0), mode="CMYK"), "JPEG", quality=95
                )
            )
            assert image.mode == "RGB"
            assert near(image.getpixel((5, 5)), RED, 40)
            assert near(image.getpixel((75, 35)), BLUE, 40)
        with case("sixteen bits of grey keep their shade"):
            image = opened(encoded(Image.new("I;16", (6, 4), 32_768), "PNG"))
            assert near(image.getpixel((1, 1)), (128, 128, 128), 3)
        with case("sixteen bits of grey are shrunk"):
            image = opened(encoded(Image.new("I;16", (3000, 2000), 32_768), "PNG"))
            assert image.size == (1600, 1067)
            assert near(image.getpixel((800, 500)), (128, 128, 128), 3)


def test_of_several_pictures_in_a_file_the_first_is_kept() -> None:
    with all_cases() as case:
        for kind in ["GIF", "WEBP", "PNG"]:
            with case(kind):
                frames = [Image.new("RGB", (30, 20), BLUE) for _frame in range(3)]
                data = encoded(
                    Image.new("RGB", (30, 20), RED), kind, save_all=True, append_images=frames, duration=50
                )
                image = opened(data)
                assert near(image.getpixel((5, 5)), RED, 40)
                assert getattr(decoded(fitted(image, 30)), "n_frames", 1) == 1
        with case("a multi picture file of a camera is its first picture"):
            data = encoded(halves(), "MPO", save_all=True, append_images=[halves(left=BLUE, right=RED)])
            assert near(opened(data).getpixel((5, 5)), RED, 40)


def test_a_picture_has_the_size_asked_for() -> None:
    with all_cases() as case:
        with case("one pixel is a picture"):
            image = opened(png((1, 1)))
            assert decoded(fitted(image, 64)).size == (1, 1)
            assert decoded(cropped(image, 64, 64)).size == (64, 64)
        for wanted in [(512, 512), (64, 64), (1500, 375)]:
            for size in [(80, 40), (40, 80), (3000, 10), (10, 3000), (64, 64)]:
                with case((size, wanted)):
                    assert decoded(cropped(opened(png(size)), *wanted)).size == wanted
        for size, longest, expected in [
            ((80, 40), 40, (40, 20)),
            ((40, 80), 40, (20, 40)),
            ((80, 40), 100, (80, 40)),
            ((3000, 10), 1000, (1000, 3)),
        ]:
            with case((size, longest, expected)):
                assert decoded(fitted(opened(png(size)), longest)).size == expected
        with case("encoding leaves the given picture as it was"):
            image = opened(png((80, 40)))
            fitted(image, 10)
            cropped(image, 10, 10)
            assert image.size == (80, 40)


# -- Pictures as people have them -------------------------------------------------------------
def test_what_is_in_a_file_beside_the_picture_is_passed_over() -> None:
    with all_cases() as case:
        with case("texts in a png are passed over"):
            # An editor's history, a diagram's source: megabytes once they are unpacked.
            packed = b"Raw profile type xmp\0\0" + zlib.compress(b"x" * 2_000_000)
            international = b"source\0\x01\0\0\0" + zlib.compress(b"x" * 2_000_000)
            profile = b"huge\0\0" + zlib.compress(b"x" * 2_000_000)
            plain = b"k\0" + b"x" * 2_000_000
            chunks = {b"zTXt": packed, b"iTXt": international, b"tEXt": plain, b"iCCP": profile}
            for kind, content in chunks.items():
                assert opened(pictures.png_with(kind, content)).size == (80, 40), kind
        with case("a jpeg without its end mark is shown"):
            data = jpeg((400, 300))
            for cut in (1, 2, 20):
                assert opened(data[:-cut]).size == (400, 300)
        with case("a long comment of a gif is passed over"):
            data = encoded(Image.new("P", (30, 20)), "GIF")
            head = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
            comment = b"\x21\xfe" + (b"\xff" + b"a" * 255) * 30_000 + b"\x00"
            started = time.process_time()
            assert opened(data[:head] + comment + data[head:]).size == (30, 20)
            assert time.process_time() - started < 2


def test_colours_hold_where_there_is_transparency_a_palette_or_grey() -> None:
    with all_cases() as case:
        with case("black and white and palettes are smoothed when they shrink"):
            # Every second column is black: seen from afar that is grey, not black or white.
            stripes = Image.new("1", (800, 80))
            stripes.putdata([255 * (place % 2) for place in range(800 * 80)])
            for kind, picture in (
                ("PNG", stripes),
                ("PNG", stripes.convert("P")),
                ("GIF", stripes.convert("P")),
            ):
                (made,) = made_of(encoded(picture, kind), Fit(400))
                assert near(decoded(made).getpixel((200, 20)), (128, 128, 128), 20), (kind, picture.mode)
        with case("profiles hold also where there is transparency or a palette or grey"):
            # In a space whose red and blue have changed places, the file's red is the screen's blue.
            swapped = pictures.swapped_profile()
            clear = Image.new("RGBA", (8, 8), (*RED, 255))
            clear.putpixel((0, 0), (0, 0, 0, 0))
            palette = Image.new("RGB", (8, 8), RED).quantize(2)
            for picture in (clear, palette):
                for kind in ("PNG", "WEBP"):
                    if kind == "WEBP" and picture is palette:
                        continue
                    options = {"lossless": True} if kind == "WEBP" else {}
                    image = opened(encoded(picture, kind, icc_profile=swapped, **options))
                    assert near(image.convert("RGB").getpixel((4, 4)), BLUE), (kind, picture.mode)


def test_a_file_of_endless_metadata_is_refused_before_a_decoder_loops() -> None:
    """Each of these kept a decoder busy for many seconds."""
    gif = b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0)
    empty = pictures._chunk(b"abCd", b"")
    scan = encoded(halves(), "JPEG", progressive=True)
    begin = scan.rindex(b"\xff\xda")
    files = {
        "comments": b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_000_000 + b"\xff\xda",
        "padding": b"\xff\xd8" + b"\xff" * 9_000_000,
        "scans": scan[:-2] + scan[begin:-2] * 1000 + b"\xff\xd9",
        "chunks": png()[:33] + empty * 700_000 + png()[33:],
        "blocks": gif + b"\x21\xfe\x01a\x00" * 1_500_000 + b"\x2c",
        "small blocks": gif + b"\x21\xfe" + b"\x01a" * 4_000_000 + b"\x00\x2c",
        "claims 50 megapixels": pictures.jpeg_claiming(8192, 6100),
    }
    started = time.process_time()
    codes = {name: refusal(data) for name, data in files.items()}
    assert set(codes.values()) <= {"not_an_image", "damaged"}, codes
    assert time.process_time() - started < 5


# -- One at a time ----------------------------------------------------------------------------
def test_pictures_are_decoded_a_few_at_a_time() -> None:
    with all_cases() as case:
        with case("a full queue refuses further pictures"):
            with ExitStack() as others:
                for _place in range(DECODINGS_AT_ONCE + MOST_WAITING):
                    assert images._queue.acquire(blocking=False)
                    others.callback(images._queue.release)
                assert refusal(png()) == "busy"
            assert opened(png()).size == (80, 40)
        with case("a damaged picture gives its turn back"):
            for _time in range(2 * (DECODINGS_AT_ONCE + MOST_WAITING)):
                assert refusal(png()[:-30]) == "damaged"
