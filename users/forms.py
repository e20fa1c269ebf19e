"""Forms of the account and the profile."""

import datetime
from typing import Any, ClassVar

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from core.web.forms import BlockField, CachedForm, ImageField, LineField

from .accounts.email_addresses import is_taken
from .accounts.identifiers import (
    LONGEST_EMAIL,
    LONGEST_LOCAL_PART,
    fold_address,
    fold_identifier,
    names_account,
)
from .models import Education, Experience, Link, Profile, Skill, User
from .validators import refuse_address_in_name

EARLIEST_YEAR = 1900
# How many years from now a course of study may end.
YEARS_AHEAD = 10


def validate_ascii_address(email: str) -> None:
    """Raise ValidationError unless mail servers take the address: ASCII, and at most 64 characters, before its @.

    Django's own validator accepts four characters that become others in lower case: "İ", "ı", "ſ" and the kelvin sign.
    """
    folded = fold_address(email)
    if not names_account(folded) or folded.rfind("@") > LONGEST_LOCAL_PART:
        raise ValidationError(_("Enter a valid email address."), code="invalid")


class PlainFields:
    """Mixin for allauth's forms: removes placeholders, since the labels name the fields (WCAG 3.3.2).

    It limits addresses to the length of their column (RFC 3696, erratum 1690); Django's field accepts 320 characters.
    """

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, forms.EmailField):
                field.widget.attrs["maxlength"] = LONGEST_EMAIL
                field.validators += [MaxLengthValidator(LONGEST_EMAIL), validate_ascii_address]


class LoginForm(PlainFields, allauth_forms.LoginForm):  # type: ignore[misc]
    """Sign-in."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"].label = _("Username or e-mail address")
        self.fields["password"].help_text = ""

    def clean_login(self) -> str:
        """Return the identifier in its stored form, by which allauth counts and looks up accounts."""
        return fold_identifier(self.cleaned_data["login"])


class SignupForm(PlainFields, allauth_forms.SignupForm):  # type: ignore[misc]
    """Sign-up, with the full name of the member."""

    name = LineField(
        label=_("Full name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        validators=[refuse_address_in_name],
        help_text=_("As colleagues know you. You can change it later."),
    )

    field_order = ["name", "username", "email", "password1"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].label = _("E-mail address")
        self.fields["username"].help_text = _(
            "Letters, digits, dots, hyphens, underscores. Part of your address here."
        )
        self.fields["password1"].help_text = _(
            "At least 10 characters. A few unrelated words are strong and easy."
        )

    def validate_unique_email(self, value: str) -> str:
        """Mark whether the address is taken: restorable addresses are, unconfirmed new addresses are not."""
        self.account_already_exists = is_taken(value)
        return value

    def try_save(self, request: Any) -> Any:
        """Hash the password also if the address has an account, so that both cases take the same time."""
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)


class ResetPasswordForm(PlainFields, allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """Request for a link to choose a new password."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].label = _("E-mail address")

    def clean_email(self) -> str:
        """Find the account only by its current address: a new address may be another person's until it is confirmed."""
        email = fold_address(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=email, is_active=True))
        return email


class ReauthenticateForm(PlainFields, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """The password again, before an action that a stolen session must not be able to do."""


class ResetPasswordKeyForm(PlainFields, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """Choice of the new password after a reset."""


class ChangePasswordForm(PlainFields, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """Change of the password."""

    def clean_oldpassword(self) -> str:
        """Check the password by the backend that counts guesses."""
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class SetPasswordForm(PlainFields, allauth_forms.SetPasswordForm):  # type: ignore[misc]
    """Choice of a first password."""


class AddEmailForm(PlainFields, allauth_forms.AddEmailForm):  # type: ignore[misc]
    """Change of the address."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].label = _("New e-mail address")


class ProfileForm(forms.ModelForm):
    """The card and the text about the member."""

    name = LineField(label=_("Full name"), max_length=80)
    headline = LineField(
        label=_("Headline"), max_length=160, required=False, help_text=_("What you do, in one line.")
    )
    location = LineField(label=_("Location"), max_length=80, required=False, help_text=_("City and country."))
    about = BlockField(
        label=_("About"),
        max_length=4000,
        required=False,
        help_text=_("You can use **bold**, *italics*, lists and links."),
    )

    class Meta:
        model = User
        fields = ["name", "headline", "location", "open_to_work"]
        labels: ClassVar = {"open_to_work": _("I am open to new work")}

    field_order = ["name", "headline", "location", "about", "open_to_work"]

    def clean_name(self) -> str:
        """Check the name only if it is changed: stored names may be older than the rule."""
        name: str = self.cleaned_data["name"]
        if "name" in self.changed_data:
            refuse_address_in_name(name)
        return name


class PhotoForm(forms.Form):
    photo = ImageField(label=_("New photo"), help_text=_("JPEG, PNG, WebP or GIF, up to 10 MB."))


class CoverForm(forms.Form):
    cover = ImageField(label=_("New cover"), help_text=_("A wide picture, at best 1,500 × 375 pixels."))


def latest_today() -> datetime.date:
    """Return today's date in UTC+14, so that no member's today is in the future."""
    return (timezone.now() + datetime.timedelta(hours=14)).astimezone(datetime.UTC).date()


class MonthWidget(forms.MultiWidget):
    """Two inputs side by side: month and year."""

    template_name = "users/widgets/month.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        months = [("", _("Month")), *MONTHS.items()]
        year = forms.NumberInput(
            attrs={"min": EARLIEST_YEAR, "inputmode": "numeric", "placeholder": _("Year")}
        )
        super().__init__([forms.Select(choices=months, attrs={"aria-label": _("Month")}), year], attrs)
        year.attrs["aria-label"] = _("Year")

    def decompress(self, value: datetime.date | None) -> list[int | None]:
        return [value.month, value.year] if value else [None, None]


class MonthField(forms.MultiValueField):
    """A month of a year; cleans to its first day. Refuses months in the future or before 1900."""

    widget = MonthWidget

    def __init__(self, **options: Any) -> None:
        this_year = timezone.localdate().year
        year_errors = {
            "invalid": _("Enter the year with four digits."),
            "min_value": _("This year is too long ago."),
        }
        fields = (
            forms.TypedChoiceField(choices=MONTHS.items(), coerce=int, empty_value=None),
            forms.IntegerField(
                min_value=EARLIEST_YEAR, max_value=max(this_year, 9998), error_messages=year_errors
            ),
        )
        super().__init__(fields, require_all_fields=False, **options)
        for field in fields:
            field.required = False

    def compress(self, data_list: list[Any]) -> datetime.date | None:
        month, year = data_list or (None, None)
        if not month and not year:
            return None
        if not month or not year:
            raise ValidationError(_("Enter both the month and the year."), code="incomplete")
        first_day = datetime.date(year, month, 1)
        if first_day > latest_today():
            raise ValidationError(_("This month is in the future."), code="future")
        return first_day


class ExperienceForm(forms.ModelForm):
    title = LineField(label=_("Title"), max_length=120)
    employer = LineField(label=_("Employer"), max_length=120)
    location = LineField(label=_("Location"), max_length=80, required=False)
    start = MonthField(label=_("From"))
    end = MonthField(label=_("Until"), required=False, help_text=_("Leave empty if you work there now."))
    description = BlockField(label=_("What you did there"), max_length=2000, required=False)

    class Meta:
        model = Experience
        fields = ["title", "employer", "location", "start", "end", "description"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        if start and end and end < start:
            self.add_error("end", _("This is before the start."))
        return data


class EducationForm(forms.ModelForm):
    school = LineField(label=_("School or university"), max_length=120)
    degree = LineField(label=_("Degree"), max_length=120, required=False)
    field = LineField(label=_("Field of study"), max_length=120, required=False)
    start_year = forms.IntegerField(label=_("From (year)"), min_value=EARLIEST_YEAR)
    end_year = forms.IntegerField(
        label=_("Until (year)"),
        min_value=EARLIEST_YEAR,
        required=False,
        help_text=_("May be in the future. Leave empty if you do not know yet."),
    )
    description = BlockField(label=_("Description"), max_length=1000, required=False)

    class Meta:
        model = Education
        fields = ["school", "degree", "field", "start_year", "end_year", "description"]

    def clean_start_year(self) -> int:
        year: int = self.cleaned_data["start_year"]
        if year > latest_today().year:
            raise ValidationError(_("This year is in the future."), code="future")
        return year

    def clean_end_year(self) -> int | None:
        year: int | None = self.cleaned_data["end_year"]
        if year and year > latest_today().year + YEARS_AHEAD:
            raise ValidationError(_("This year is too far in the future."), code="future")
        return year

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("start_year"), data.get("end_year")
        if start and end and end < start:
            self.add_error("end_year", _("This is before the start."))
        return data


class SkillForm(forms.ModelForm):
    name = LineField(label=_("Skill"), max_length=60)

    class Meta:
        model = Skill
        fields = ["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Skill.objects.filter(user=self.instance.user_id).exclude(pk=self.instance.pk)
        if others.annotate(folded=Lower("name")).filter(folded=Lower(Value(name))).exists():
            raise ValidationError(_("This skill is already on your list."), code="duplicate")
        return name


class LinkForm(forms.ModelForm):
    label = LineField(label=_("Label"), max_length=60, help_text=_("For example: My portfolio."))
    url = forms.URLField(label=_("Address"), max_length=300, assume_scheme="https")

    class Meta:
        model = Link
        fields = ["label", "url"]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not url.lower().startswith(("http://", "https://")):
            raise ValidationError(_("The address must begin with https:// or http://."), code="scheme")
        return url


class CardPrivacyForm(CachedForm, forms.ModelForm):
    """The audiences of the card."""

    class Meta:
        model = User
        fields = [
            "page_audience",
            "photo_audience",
            "location_audience",
            "open_to_work_audience",
            "presence_audience",
        ]
        help_texts: ClassVar = {
            "page_audience": _(
                "Your name and headline are on it. Members can always find you. If it is not for everyone, visitors "
                "who are not signed in see “A member” instead of your name and photo at everything you do in public."
            ),
            "presence_audience": _(
                "Members who cannot see when you are online are not shown to you as online either. It works both ways."
            ),
        }


class SectionPrivacyForm(CachedForm, forms.ModelForm):
    """The audiences of the sections of the page."""

    class Meta:
        model = Profile
        fields = [
            "about_audience",
            "experience_audience",
            "education_audience",
            "skills_audience",
            "links_audience",
        ]
