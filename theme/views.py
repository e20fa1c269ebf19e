"""The gallery: every part in every state, for those who build pages (development only)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from .samples import COUNTS, MEMBERS, SampleForm, images, moments


def gallery(request: HttpRequest) -> HttpResponse:
    """`/theme/`: what pages are made of. `?empty` leaves the refused form out."""
    refused = SampleForm(
        {"name": "Admin", "email": "not an address", "about": "I keep bridges standing.", "kind": "mentor"}
    )
    return render(
        request,
        "theme/gallery.html",
        {
            "members": MEMBERS,
            "first": MEMBERS[0],
            "counts": COUNTS,
            "moments": moments(timezone.now()),
            "fresh_form": SampleForm(prefix="fresh"),
            "refused_form": refused,
            "image_sets": [images(count) for count in range(1, 10)],
            "hues": range(12),
            "messages": [
                {"message": _("Your post is out."), "level_tag": "success"},
                {"message": _("We could not send that. Nothing was lost; try again."), "level_tag": "error"},
            ],
        },
    )
