"""The form fields for lines, texts and pictures, as a form uses them."""

import time
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver
from django.utils.datastructures import MultiValueDict

from core.files.images import ImageUpload
from core.web.forms import BlockField, CachedForm, ImageField, LineField, ManyImagesField
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


def test_a_line_is_stored_clean_and_counts_what_is_stored() -> None:
    with all_cases() as case:
        with case("a line is cleaned"):
            form = Writing({"line": "  Ada\u00a0 L.\n"})
            assert form.is_valid()
            assert form.cleaned_data == {"line": "Ada L.", "block": ""}
        for line in ["", "   ", "\n\t"]:
            with case(line):
                assert errors(Writing({"line": line}), "line") == ["required"]
        with case("a line counts what will be stored"):
            assert Writing({"line": " " * 50 + "ten chars!" + " " * 50}).is_valid()
            assert errors(Writing({"line": "eleven char"}), "line") == ["max_length"]
        for line in ["Ad\u200ba", "\u202eadA", "Ada\x07"]:
            with case(line):
                form = Writing({"line": line})
                assert errors(form, "line") == ["invisible"]
                assert form["line"].value() == line
        with case("a line with a nul is refused"):
            assert "null_characters_not_allowed" in errors(Writing({"line": "a\x00b"}), "line")


def test_a_block_keeps_honest_text_and_counts_a_line_end_once() -> None:
    with all_cases() as case:
        with case("a block counts a line end once"):
            assert Writing({"line": "x", "block": "12345\r\n7890"}).is_valid()
            assert errors(Writing({"line": "x", "block": "12345\r\n78901"}), "block") == ["max_length"]
        with case("a block keeps its indentation"):
            form = Writing({"line": "x", "block": "    code"})
            assert form.is_valid()
            assert form.cleaned_data["block"] == "    code"
        for block in ["می\u200cخواهم", "👩‍👩‍👧", "a < b"]:
            with case(block):
                form = Writing({"line": "x", "block": block})
                assert form.is_valid()
                assert form.cleaned_data["block"] == block


def test_lengths_are_judged_before_cleaning_and_after_it() -> None:
    with all_cases() as case:
        with case("a hundred thousand characters are refused with the limit"):
            form = Writing({"line": "x" * 100_000, "block": "x" * 100_000})
            assert (errors(form, "line"), errors(form, "block")) == (["max_length"], ["max_length"])
            assert "10" in form.errors["line"][0]
        with case("what is too long is refused before it is cleaned"):
            pile = "a" + "\u0315" * 500_000 + "\u0316" * 500_000
            started = time.process_time()
            form = Writing({"line": pile, "block": pile})
            assert (errors(form, "line"), errors(form, "block")) == (["max_length"], ["max_length"])
            assert time.process_time() - started < 1
        with case("what grows shorter by cleaning is taken"):
            # As a Mac and a Windows machine send it: decomposed letters, two characters for each line end.
            form = Writing({"line": "\u1112\u1161\u11ab" * 10, "block": "\r\n" * 4 + "e\u0301\r\n" * 5})
            assert form.is_valid()
            assert form.cleaned_data == {"line": "한" * 10, "block": "é\né\né\né\né"}


def test_a_picture_is_judged_by_its_content() -> None:
    with all_cases() as case:
        with case("a picture cleans to an upload that is not decoded"):
            form = sending(file(pictures.jpeg()))
            assert form.is_valid()
            assert isinstance(form.cleaned_data["picture"], ImageUpload)
        with case("the name and the announced type do not matter"):
            assert sending(file(pictures.png(), "résumé.exe", "text/html")).is_valid()
        for data in [pictures.SVG, pictures.HTML, b"words"]:
            with case(data):
                assert errors(sending(file(data)), "picture") == ["not_an_image"]
        with case("an empty file is refused"):
            assert errors(sending(file(b"")), "picture") == ["empty"]
        with case("no file is refused where one is needed"):
            assert errors(sending(), "picture") == ["required"]
        with case("no file is fine where none is needed"):
            assert ImageField(required=False).clean(None) is None
        with case("text instead of a file is refused"):
            assert errors(Sending({"picture": "words"}), "picture") == ["required"]


def test_the_file_dialog_offers_pictures_only() -> None:
    assert 'accept="image/jpeg,image/png,image/webp,image/gif"' in str(Sending()["picture"])


def many(*files: Any) -> SendingMany:
    return SendingMany({}, MultiValueDict({"pictures": list(files)}))


def test_several_pictures_are_judged_one_by_one() -> None:
    with all_cases() as case:
        with case("several pictures clean to a list"):
            form = many(file(pictures.jpeg()), file(pictures.png()))
            assert form.is_valid()
            assert [picture.header.width for picture in form.cleaned_data["pictures"]] == [80, 80]
        with case("no picture cleans to an empty list"):
            form = many()
            assert form.is_valid()
            assert form.cleaned_data["pictures"] == []
        with case("more pictures than allowed are refused"):
            assert errors(many(*(file(pictures.png()) for _number in range(3))), "pictures") == ["too_many"]
        with case("one bad picture among good ones is refused"):
            assert errors(many(file(pictures.png()), file(pictures.SVG)), "pictures") == ["not_an_image"]
        with case("each refused picture is called by its whole name"):
            form = many(file(pictures.SVG, "logo.svg"), file(pictures.HTML, "C:\\home\\page.html.jpg"))
            assert [str(words).partition(" is not")[0] for words in form.errors["pictures"]] == [
                "logo.svg",
                "page.html.jpg",
            ]


class Greeting(CachedForm, forms.Form):
    line = LineField(max_length=10, required=False)
    choice = forms.ChoiceField(choices=[("a", "A"), ("b", "B")])


def test_a_cached_form_shows_what_django_shows() -> None:
    with all_cases() as case:
        for name, form in [
            ("empty", Greeting()),
            ("empty, again", Greeting()),
            ("with a text", Greeting(initial={"line": "<b>"})),
            ("with a choice", Greeting(initial={"choice": "b"})),
            ("with a prefix", Greeting(prefix="second")),
            ("with other ids", Greeting(auto_id="other_%s")),
            ("refused", Greeting({"line": "eleven char", "choice": "c"})),
        ]:
            with case(name):
                plain = forms.Form.render(form)
                assert [str(form), form.__html__(), form.render()] == [plain] * 3


def test_each_cached_form_of_the_product_can_be_made_from_its_initial_values() -> None:
    get_resolver().url_patterns  # noqa: B018 -- imports all views, and so all forms
    known = [form for form in CachedForm.__subclasses__() if not form.__module__.startswith("core.tests")]
    assert len(known) >= 3
    with all_cases() as case:
        for kind in known:
            with case(kind.__name__):
                assert str(kind()) == super(CachedForm, kind()).render()
