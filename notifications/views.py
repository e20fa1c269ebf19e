"""Pages of notifications, preferences and unsubscribing."""

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.database.pagination import CURSOR, id_cursor
from core.web.responses import back_or
from users.http import HtmxRequest, MemberRequest, member_required
from users.models import User

from . import services
from .digest.schedule import Frequency
from .display.badge import unread_of
from .display.notification_view import build_views
from .display.pages import ALL, FILTERS, page_of
from .forms import HOURS, PreferencesForm
from .models import Notification
from .preferences.unsubscribe_tokens import read_digest_token, read_token


@member_required
@require_safe
def page(request: MemberRequest) -> HttpResponse:
    show = request.GET.get("show", ALL)
    if show not in FILTERS:
        raise Http404
    found = page_of(request.user, show, before=id_cursor(request.GET.get(CURSOR)))
    context = {"page": found, "show": show}
    if request.htmx:
        return render(request, "notifications/_rows.html", context)
    here = reverse("notifications:page")
    filters = [
        (here if name == ALL else f"{here}?show={name}", label, name == show)
        for name, label in FILTERS.items()
    ]
    return render(request, "notifications/page.html", {**context, "filters": filters})


@member_required
@require_safe
@never_cache
def follow(request: MemberRequest, pk: int) -> HttpResponse:
    """Redirect to what the notification is about and mark it read, unless the browser only prefetches."""
    row = get_object_or_404(Notification.objects.visible_to(request.user), pk=pk)
    found = build_views([row], request.user)
    if not found:
        raise Http404
    if request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", ""):
        services.mark_read(notification=row)
    return redirect(found[0].url)


@member_required
@require_POST
def read(request: MemberRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Notification.objects.visible_to(request.user), pk=pk)
    services.mark_read(notification=row)
    if request.htmx:
        row.refresh_from_db()
        return render(request, "notifications/_read.html", {"views": build_views([row], request.user)})
    return back_or(request, reverse("notifications:page"))


@member_required
@require_POST
def read_all(request: MemberRequest) -> HttpResponse:
    """Mark all read that the page showed; `up_to` is the sort key of its newest row."""
    services.mark_all_read(member=request.user, up_to=id_cursor(request.POST.get("up_to")))
    return back_or(request, reverse("notifications:page"))


@member_required
@require_safe
@never_cache
def unread(request: MemberRequest) -> HttpResponse:
    """The bell's unread count as JSON, for pages without a socket."""
    return JsonResponse({"unread": unread_of(request.user.pk)})


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: MemberRequest) -> HttpResponse:
    form = PreferencesForm(request.POST if request.method == "POST" else None, member=request.user)
    if request.method == "POST" and form.is_valid():
        services.set_preferences(member=request.user, choices=form.chosen_deliveries())
        if form.cleaned_data["quiet"]:
            hours = {name: form.cleaned_data[name] for name in HOURS}
            services.set_quiet_hours(member=request.user, **hours)
        else:
            services.clear_quiet_hours(member=request.user)
        if choice := form.chosen_digest():
            services.set_digest(member=request.user, **choice)
        messages.success(request, _("Preferences saved."))
        return redirect("notifications:preferences")
    status = 422 if form.is_bound else 200
    return render(request, "notifications/preferences.html", {"form": form}, status=status)


@csrf_exempt  # RFC 8058: a mail program posts here, without cookies; the token names the member and the kind
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe(request: HtmxRequest, token: str) -> HttpResponse:
    """Turn mail off by the signed link of a mail: GET asks, POST turns it off, without signing in."""
    read = read_token(token)
    member_id = read[0] if read else read_digest_token(token)
    if member_id is None:
        raise Http404
    member = get_object_or_404(User, pk=member_id, is_active=True)
    if request.method == "POST":
        if read:
            services.stop_mail(member=member, kinds=read[1])
        else:
            services.set_digest(member=member, frequency=Frequency.OFF)
    kinds = [kind.label for kind in read[1]] if read else [_("Digest")]
    context = {"kind": kinds[0] if len(kinds) == 1 else "", "done": request.method == "POST"}
    return render(request, "notifications/unsubscribe.html", context)
