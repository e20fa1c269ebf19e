"""Changing and deleting an own message."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from users.http import MemberRequest, member_required

from .. import services
from ..display.rendering import entries_as_json, entries_for
from ..errors import MessagingError
from ..forms import WordsForm
from ..models import Entry
from .access import mine_or_404, refusal, status_of, wants_json, wants_part


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: MemberRequest, pk: int, seq: int) -> HttpResponse:
    entry = _own(request, pk, seq)
    form = WordsForm(request.POST or None, initial={"text": entry.text})
    # A message that carries something may be without words.
    form.fields["text"].required = not entry.attached
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.edit_message(entry=entry, by=request.user, text=form.cleaned_data["text"])
        except MessagingError as error:
            if wants_json(request):
                return refusal(error)
            form.add_error("text", str(error))
            return _form_page(request, entry, form, status_of(error))
        return _done(request, pk, changed)
    if form.is_bound and wants_json(request):
        errors = {name: [str(error) for error in errors] for name, errors in form.errors.items()}
        return JsonResponse({"error": "invalid", "errors": errors}, status=422)
    return _form_page(request, entry, form, 422 if form.is_bound else 200)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: MemberRequest, pk: int, seq: int) -> HttpResponse:
    entry = _own(request, pk, seq)
    if request.method != "POST":
        template = "messaging/_delete_form.html" if wants_part(request) else "messaging/delete.html"
        return render(request, template, {"entry": entry})
    try:
        deleted = services.delete_message(entry=entry, by=request.user)
    except MessagingError as error:
        if wants_json(request):
            return refusal(error)
        raise PermissionDenied(str(error)) from error
    return _done(request, pk, deleted)


def _own(request: MemberRequest, pk: int, seq: int) -> Entry:
    """The viewer's own message; 404 for what the viewer may not see, 403 for what is not the viewer's to change."""
    visible = Entry.objects.shown_to(request.user).select_related("conversation")
    entry = get_object_or_404(visible, conversation=pk, seq=seq)
    if not entry.is_message or entry.author_id != request.user.pk:
        raise PermissionDenied
    return entry


def _done(request: MemberRequest, pk: int, entry: Entry) -> HttpResponse:
    """The message as it is now: for programs as JSON, for scripts as the line of the page, else on the page."""
    if not (wants_json(request) or wants_part(request)):
        return redirect(entry)
    mine = mine_or_404(request, pk)
    if wants_json(request):
        (payload,) = entries_as_json([entry], mine, request.user)
        return JsonResponse({"conversation": pk, "entry": payload})
    (shown,) = entries_for([entry], mine, request.user)
    return HttpResponse(shown.__html__())


def _form_page(request: MemberRequest, entry: Entry, form: WordsForm, status: int) -> HttpResponse:
    template = "messaging/_edit_form.html" if wants_part(request) else "messaging/edit.html"
    return render(request, template, {"entry": entry, "form": form}, status=status)
