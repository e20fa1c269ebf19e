"""The gallery: every component in every state, for developers (development only)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from .samples import COUNTS, MEMBERS, SampleForm, make_images, make_times


def gallery(request: HttpRequest) -> HttpResponse:
    """Render the gallery."""
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
            "times": make_times(timezone.now()),
            "fresh_form": SampleForm(prefix="fresh"),
            "refused_form": refused,
            "image_sets": [make_images(count) for count in range(1, 10)],
            "hues": range(12),
            "messages": [
                {"message": _("Post published."), "level_tag": "success"},
                {"message": _("We could not send your post. Try again."), "level_tag": "error"},
            ],
        },
    )
