from itertools import product
from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy

from tests.cases import all_cases
from theme.samples import SampleForm


class Letter(forms.Form):
    subject = forms.CharField(help_text="In one line.")
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> None:
        if self.cleaned_data.get("subject") == "spam":
            raise forms.ValidationError("We do not send that.")


def test_a_field_has_a_label_a_hint_and_its_error_linked_to_the_control() -> None:
    html = str(Letter({"subject": ""}))
    assert '<label class="field-label" for="id_subject">' in html
    assert 'aria-describedby="id_subject_helptext id_subject_error"' in html
    assert 'id="id_subject_helptext"' in html
    assert 'id="id_subject_error"' in html
    assert 'aria-invalid="true"' in html


def test_hidden_fields_are_there_once() -> None:
    assert str(Letter()).count('name="secret"') == 1


def test_what_was_typed_is_kept_and_escaped() -> None:
    html = str(SampleForm({"name": "O'Brien <script>", "email": "nope", "about": "a < b && c > d"}))
    assert "O&#x27;Brien &lt;script&gt;" in html
    assert "a &lt; b &amp;&amp; c &gt; d" in html
    assert 'value="nope"' in html


def test_passwords_are_never_sent_back() -> None:
    assert "hunter2-hunter2" not in str(SampleForm({"password": "hunter2-hunter2"}))


def test_several_errors_are_summed_up_with_links_to_their_fields() -> None:
    html = str(SampleForm({"name": "admin"}))
    assert "data-error-summary" in html
    assert 'href="#id_name"' in html
    assert 'href="#id_kind"' in html  # a group of radios: its container carries the id


def test_one_error_needs_no_summary() -> None:
    assert "data-error-summary" not in str(Letter({"subject": ""}))


def test_an_error_of_the_whole_form_is_shown_above_it_once() -> None:
    html = str(Letter({"subject": "spam"}))
    assert html.count("We do not send that.") == 1
    assert 'role="alert"' in html


def test_optional_fields_are_marked_and_required_ones_are_not() -> None:
    form = SampleForm()
    assert "optional" in form["city"].as_field_group()
    assert "optional" not in form["name"].as_field_group()


def test_groups_are_fieldsets_with_a_legend() -> None:
    html = SampleForm()["kind"].as_field_group()
    assert "<fieldset" in html
    assert "<legend>" in html


def test_other_apps_paragraph_forms_look_the_same() -> None:
    assert 'class="field' in Letter().as_p()


def test_a_formset_draws_each_form() -> None:
    formset = forms.formset_factory(Letter, extra=2)()
    assert str(formset).count("field-label") == 2


def test_a_file_that_is_there_can_be_seen_and_removed() -> None:
    class Stored:
        url = "/media/a.pdf"

        def __str__(self) -> str:
            return "a.pdf"

    class Upload(forms.Form):
        document = forms.FileField(required=False)

    html = str(Upload(initial={"document": Stored()}))
    assert 'href="/media/a.pdf"' in html
    assert 'name="document-clear"' in html


def test_a_remembered_widget_is_what_django_renders() -> None:
    """Each twice, the second time from the cache, with values that are equal but shown differently."""
    choices = [
        (1, "one"),
        ("1", gettext_lazy("Name")),
        (True, "<b>"),
        (None, "none"),
        ("Group", [("a", "A")]),
    ]
    widgets = [forms.Select(choices=choices), forms.RadioSelect(choices=choices), forms.CheckboxInput()]
    attributes: list[dict[str, Any]] = [
        {},
        {"id": "x", "required": True},
        {"id": "x", "required": False},
        {"data-x": 1},
    ]
    with all_cases() as case:
        for widget, value, attrs in product(
            widgets, [None, "", 1, True, "1", "a", "<i>", "x" * 400], attributes
        ):
            with case((type(widget).__name__, value, attrs)):
                wanted = widget.render("field", value, attrs, TemplatesSetting())
                assert [widget.render("field", value, attrs) for _time in range(2)] == [wanted] * 2


def test_a_widget_with_values_that_may_change_is_not_remembered() -> None:
    class Shout:
        text = "a"

        def __str__(self) -> str:
            return self.text

    shout = Shout()
    widget = forms.Select(choices=[(1, shout)])
    assert ">a<" in widget.render("field", 1)
    shout.text = "b"
    assert ">b<" in widget.render("field", 1)
