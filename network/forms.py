"""Forms of an invitation and of the search in the directory."""

from django import forms
from django.utils.translation import gettext_lazy as _

from core.web.forms import BlockField, CachedForm, LineField


class InvitationForm(CachedForm, forms.Form):
    note = BlockField(
        label=_("Note"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Say how you know each other."),
    )


class DirectoryForm(forms.Form):
    q = LineField(label=_("Find people by name"), max_length=80, required=False)
