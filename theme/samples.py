"""Sample data of the gallery: members, images and forms with extreme values."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import quote

from django import forms
from django.utils.translation import gettext_lazy as _

COUNTS = [0, 1, 999, 1_234, 12_345, 999_999, 1_000_000]


@dataclass(frozen=True)
class SampleMember:
    """A member with the attributes that components use."""

    display_name: str
    initials: str
    hue: int
    headline: str = ""
    photo_small: str = ""
    photo_medium: str = ""
    photo_large: str = ""

    def get_absolute_url(self) -> str:
        """Return "#": samples have no page."""
        return "#"


def make_picture(hue: int, width: int = 640, height: int = 480) -> str:
    """Return an image of the given hue as a `data:` URL."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="100%" height="100%" fill="hsl({hue},32%,62%)"/>'
        f'<path d="M0 {height} L{width * 0.35} {height * 0.4} L{width * 0.6} {height * 0.7} L{width * 0.8} '
        f'{height * 0.5} L{width} {height}Z" fill="hsl({hue},36%,40%)"/>'
        f'<circle cx="{width * 0.74}" cy="{height * 0.24}" r="{height * 0.09}" fill="hsl({hue},70%,90%)"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


@dataclass(frozen=True)
class SampleImage:
    """An image with the attributes that the image grid uses."""

    url: str
    width: int
    height: int
    alt: str


def make_images(count: int) -> list[SampleImage]:
    """Return `count` images of different colours."""
    return [SampleImage(make_picture(40 * n + 150), 640, 480, f"Hills, number {n + 1}") for n in range(count)]


MEMBERS = [
    SampleMember("Ingrid Søndergård", "IS", 6, "Structural engineer at Harbour & Sons"),
    SampleMember("Tomás Herrera", "TH", 1, "Hospital pharmacist", *[make_picture(25, 96, 96)] * 3),
    SampleMember("ليلى عبد الرحمن", "لع", 9, "مهندسة برمجيات في جامعة القاهرة"),
    SampleMember(
        "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh van der Westhuizen-Nebuchadnezzar",
        "WN",
        3,
        "Head of the department for the coordination of interdepartmental coordination, and secretary of the "
        "association of secretaries of associations, northern chapter",
    ),
    SampleMember("Bo", "B", 11),
]


def make_times(now: dt.datetime) -> list[dt.datetime]:
    """Return times of every kind, from now to years ago."""
    ages = [
        dt.timedelta(0),
        dt.timedelta(minutes=7),
        dt.timedelta(hours=5),
        dt.timedelta(days=1),
        dt.timedelta(days=6),
        dt.timedelta(days=40),
        dt.timedelta(days=900),
    ]
    return [now - age for age in ages]


class SampleForm(forms.Form):
    """A field of every kind."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("As your colleagues know you."))
    email = forms.EmailField(label=_("E-mail"))
    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput, help_text=_("At least 10 characters.")
    )
    city = forms.CharField(label=_("City"), required=False)
    start = forms.DateField(label=_("Start"), widget=forms.DateInput(attrs={"type": "date"}))
    country = forms.ChoiceField(label=_("Country"), choices=[("", "—"), ("pt", "Portugal"), ("ke", "Kenya")])
    about = forms.CharField(label=_("About"), max_length=300, required=False, widget=forms.Textarea)
    kind = forms.ChoiceField(
        label=_("I am here to"),
        choices=[("work", _("find work")), ("hire", _("find people")), ("mentor", _("mentor"))],
        widget=forms.RadioSelect,
    )
    topics = forms.MultipleChoiceField(
        label=_("Topics"),
        required=False,
        choices=[("a", _("Bridges")), ("b", _("Tunnels"))],
        widget=forms.CheckboxSelectMultiple,
    )
    photo = forms.FileField(label=_("Photo"), required=False)
    terms = forms.BooleanField(label=_("I have read the rules of this network"))

    def clean_name(self) -> str:
        """Refuse one name, so that the gallery can show a refused form."""
        name: str = self.cleaned_data["name"]
        if name.lower() == "admin":
            raise forms.ValidationError(_("This name is reserved. Choose another one."))
        return name
