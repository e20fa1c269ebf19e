"""The form fields for lines, texts and pictures, as a form uses them."""

import time
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict

from core.files.images import ImageUpload
from core.web.forms import BlockField, ImageField, LineField, ManyImagesField
from tests.cases import all_cases

from . import pictures


class Writing(forms.Form):
    line = LineField(max_length=10)
    block = BlockField(max_length=10, required=False)


class Sending(forms.Form):
    picture = ImageField()


class SendingMany(forms.Form):
    pictures = ManyImagesField(most=2, too_many="At most two.", required=False)


def file(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type=kind)


def sending(*files: SimpleUploadedFile) -> Sending:
    return Sending({}, MultiValueDict({"picture": list(files)}))


def errors(form: forms.Form, field: str) -> list[str]:
    return [str(error.code) for error in form.errors.as_data().get(field, [])]


def test_a_line_is_cleaned() -> None:
    form = Writing({"line": "  Ada\u00a0 L.\n"})
    assert form.is_valid()
    assert form.cleaned_data == {"line": "Ada L.", "block": ""}


def test_a_line_of_blanks_counts_as_empty() -> None:
    with all_cases() as case:
        for line in ["", "   ", "\n\t"]:
            with case(line):
                assert errors(Writing({"line": line}), "line") == ["required"]


def test_a_line_counts_what_will_be_stored() -> None:
    assert Writing({"line": " " * 50 + "ten chars!" + " " * 50}).is_valid()
    assert errors(Writing({"line": "eleven char"}), "line") == ["max_length"]


def test_a_line_with_a_trick_is_refused_and_kept() -> None:
    with all_cases() as case:
        for line in ["Ad\u200ba", "\u202eadA", "Ada\x07"]:
            with case(line):
                form = Writing({"line": line})
                assert errors(form, "line") == ["invisible"]
                assert form["line"].value() == line


def test_a_line_with_a_nul_is_refused() -> None:
    assert "null_characters_not_allowed" in errors(Writing({"line": "a\x00b"}), "line")


def test_a_block_counts_a_line_end_once() -> None:
    assert Writing({"line": "x", "block": "12345\r\n7890"}).is_valid()
    assert errors(Writing({"line": "x", "block": "12345\r\n78901"}), "block") == ["max_length"]


def test_a_block_keeps_its_indentation() -> None:
    form = Writing({"line": "x", "block": "    code"})
    assert form.is_valid()
    assert form.cleaned_data["block"] == "    code"


def test_a_block_takes_honest_text() -> None:
    with all_cases() as case:
        for block in ["می\u200cخواهم", "👩‍👩‍👧", "a < b"]:
            with case(block):
                form = Writing({"line": "x", "block": block})
                assert form.is_valid()
                assert form.cleaned_data["block"] == block


def test_a_hundred_thousand_characters_are_refused_with_the_limit() -> None:
    form = Writing({"line": "x" * 100_000, "block": "x" * 100_000})
    assert (errors(form, "line"), errors(form, "block")) == (["max_length"], ["max_length"])
    assert "10" in form.errors["line"][0]


def test_what_is_too_long_is_refused_before_it_is_cleaned() -> None:
    pile = "a" + "\u0315" * 500_000 + "\u0316" * 500_000
    started = time.process_time()
    form = Writing({"line": pile, "block": pile})
    assert (errors(form, "line"), errors(form, "block")) == (["max_length"], ["max_length"])
    assert time.process_time() - started < 1


def test_what_grows_shorter_by_cleaning_is_taken() -> None:
    # As a Mac and a Windows machine send it: decomposed letters, two characters for each line end.
    form = Writing({"line": "\u1112\u1161\u11ab" * 10, "block": "\r\n" * 4 + "e\u0301\r\n" * 5})
    assert form.is_valid()
    assert form.cleaned_data == {"line": "한" * 10, "block": "é\né\né\né\né"}


def test_a_picture_cleans_to_an_upload_that_is_not_decoded() -> None:
    form = sending(file(pictures.jpeg()))
    assert form.is_valid()
    assert isinstance(form.cleaned_data["picture"], ImageUpload)


def test_the_name_and_the_announced_type_do_not_matter() -> None:
    assert sending(file(pictures.png(), "résumé.exe", "text/html")).is_valid()


def test_another_kind_of_file_called_jpg_is_refused_at_the_field() -> None:
    with all_cases() as case:
        for data in [pictures.SVG, pictures.HTML, b"words"]:
            with case(data):
                assert errors(sending(file(data)), "picture") == ["not_an_image"]


def test_an_empty_file_is_refused() -> None:
    assert errors(sending(file(b"")), "picture") == ["empty"]


def test_no_file_is_refused_where_one_is_needed() -> None:
    assert errors(sending(), "picture") == ["required"]


def test_no_file_is_fine_where_none_is_needed() -> None:
    assert ImageField(required=False).clean(None) is None


def test_text_instead_of_a_file_is_refused() -> None:
    assert errors(Sending({"picture": "words"}), "picture") == ["required"]


def test_the_file_dialog_offers_pictures_only() -> None:
    assert 'accept="image/jpeg,image/png,image/webp,image/gif"' in str(Sending()["picture"])


def many(*files: Any) -> SendingMany:
    return SendingMany({}, MultiValueDict({"pictures": list(files)}))


def test_several_pictures_clean_to_a_list() -> None:
    form = many(file(pictures.jpeg()), file(pictures.png()))
    assert form.is_valid()
    assert [picture.header.width for picture in form.cleaned_data["pictures"]] == [80, 80]


def test_no_picture_cleans_to_an_empty_list() -> None:
    form = many()
    assert form.is_valid()
    assert form.cleaned_data["pictures"] == []


def test_more_pictures_than_allowed_are_refused() -> None:
    assert errors(many(*(file(pictures.png()) for _number in range(3))), "pictures") == ["too_many"]


def test_one_bad_picture_among_good_ones_is_refused() -> None:
    assert errors(many(file(pictures.png()), file(pictures.SVG)), "pictures") == ["not_an_image"]


def test_each_refused_picture_is_called_by_its_whole_name() -> None:
    form = many(file(pictures.SVG, "logo.svg"), file(pictures.HTML, "C:\\home\\page.html.jpg"))
    assert [str(words).partition(" is not")[0] for words in form.errors["pictures"]] == [
        "logo.svg",
        "page.html.jpg",
    ]
