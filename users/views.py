"""The settings pages of a member: profile, pictures, entries and privacy."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.files.images import ImageUpload
from core.files.storage import CannotStore
from core.web import rate_limits
from core.web.request_bodies.body_limits import accepts_files
from core.web.responses import with_limit

from . import services
from .form_submissions import ChangedSinceSent, create_once, was_sent
from .forms import CardPrivacyForm, CoverForm, PhotoForm, ProfileForm, SectionPrivacyForm
from .http import MemberRequest, member_required
from .models.profile import Entry
from .sections import SECTIONS, Section


@member_required
@require_safe
def settings(request: MemberRequest) -> HttpResponse:
    return redirect("users:profile")


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: MemberRequest) -> HttpResponse:
    form = ProfileForm(
        request.POST or None, instance=request.user, initial={"about": request.user.profile.about}
    )
    if request.method == "POST" and form.is_valid():
        card = {field: form.cleaned_data[field] for field in ("name", "headline", "location", "open_to_work")}
        services.edit_profile(user=request.user, card=card, about=form.cleaned_data["about"])
        messages.success(request, _("Profile saved."))
        return redirect("users:profile")
    if form.is_bound:
        request.user.refresh_from_db()  # the form has changed the object that the navigation bar shows
    return render(request, "users/profile.html", {"form": form}, status=_status_for(form))


@accepts_files
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def photo(request: MemberRequest) -> HttpResponse:
    form = PhotoForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = PhotoForm(request.POST, request.FILES)
        if form.is_valid() and _store_picture(
            form, "photo", request.user.pk, lambda image: services.set_photo(user=request.user, image=image)
        ):
            messages.success(request, _("Photo saved."))
            return redirect("users:photo")
    context = {"photo_form": form, "cover_form": CoverForm()}
    return with_limit(form, render(request, "users/photo.html", context, status=_status_for(form)))


@accepts_files
@member_required
@require_POST
def cover(request: MemberRequest) -> HttpResponse:
    form = CoverForm(request.POST, request.FILES)
    if form.is_valid() and _store_picture(
        form, "cover", request.user.pk, lambda image: services.set_cover(user=request.user, image=image)
    ):
        messages.success(request, _("Cover saved."))
        return redirect("users:photo")
    context = {"photo_form": PhotoForm(), "cover_form": form}
    return with_limit(form, render(request, "users/photo.html", context, status=_status_for(form)))


@member_required
@require_POST
def remove_photo(request: MemberRequest) -> HttpResponse:
    services.remove_photo(user=request.user)
    messages.success(request, _("Photo removed."))
    return redirect("users:photo")


@member_required
@require_POST
def remove_cover(request: MemberRequest) -> HttpResponse:
    services.set_cover(user=request.user, image=None)
    messages.success(request, _("Cover removed."))
    return redirect("users:photo")


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def entries(request: MemberRequest, section: str) -> HttpResponse:
    kind = _get_section_or_404(section)
    form = kind.form(request.POST or None, instance=kind.model(user=request.user))
    is_added = False
    if request.method == "POST" and form.is_valid():
        try:
            create_once(request, lambda: services.add_entry(user=request.user, entry=form.save(commit=False)))
        except (services.ProfileError, ChangedSinceSent) as error:
            form.add_error(None, error if isinstance(error, ChangedSinceSent) else str(error))
        is_added = form.is_valid()
    elif request.method == "POST":
        is_added = was_sent(request)
    if is_added:
        messages.success(request, _("Added to your profile."))
        return redirect(f"users:{kind.slug}")
    rows = kind.model._default_manager.filter(user=request.user)
    return render(
        request,
        "users/entries.html",
        {"section": kind, "entries": rows, "form": form},
        status=_status_for(form),
    )


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: MemberRequest, section: str, pk: int) -> HttpResponse:
    kind = _get_section_or_404(section)
    row = _get_entry_or_404(request, kind, pk)
    form = kind.form(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Profile saved."))
        return redirect(f"users:{kind.slug}")
    return render(
        request, "users/entry.html", {"section": kind, "entry": row, "form": form}, status=_status_for(form)
    )


@member_required
@require_POST
def delete_entry(request: MemberRequest, section: str, pk: int) -> HttpResponse:
    kind = _get_section_or_404(section)
    _get_entry_or_404(request, kind, pk).delete()
    messages.success(request, _("Removed from your profile."))
    return redirect(f"users:{kind.slug}")


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: MemberRequest) -> HttpResponse:
    data = request.POST or None
    card = CardPrivacyForm(data, instance=request.user)
    sections = SectionPrivacyForm(data, instance=request.user.profile)
    if request.method == "POST" and card.is_valid() and sections.is_valid():
        services.edit_privacy(user=request.user, card=card.cleaned_data, sections=sections.cleaned_data)
        messages.success(request, _("Privacy settings saved."))
        return redirect("users:privacy")
    status = max(_status_for(card), _status_for(sections))
    return render(request, "users/privacy.html", {"card_form": card, "sections": sections}, status=status)


@member_required
@require_safe
def next_step(request: MemberRequest) -> HttpResponse:
    """Render the fragment that shows how complete the profile is, with a link to the next step."""
    percent, text, url = services.next_step(request.user)
    return render(request, "users/_next_step.html", {"percent": percent, "text": text, "url": url})


def _store_picture(
    form: forms.BaseForm, field: str, member: int, service: Callable[[ImageUpload], None]
) -> bool:
    """Store the picture in `field` by `service` and return whether that was possible; else the form has the error."""
    try:
        rate_limits.consume("upload", member)
        service(form.cleaned_data[field])
    except ValidationError as error:
        form.add_error(field, error)
    except CannotStore as error:
        form.add_error(field, str(error))
    return not form.errors


def _get_section_or_404(slug: str) -> Section:
    if slug not in SECTIONS:
        raise Http404
    return SECTIONS[slug]


def _get_entry_or_404(request: MemberRequest, kind: Section, pk: int) -> Entry:
    return get_object_or_404(kind.model, user=request.user, pk=pk)


def _status_for(form: forms.BaseForm) -> int:
    """Return 422 for a refused form, which htmx shows and monitoring can tell from a success, else 200."""
    return 422 if form.is_bound and not form.is_valid() else 200
