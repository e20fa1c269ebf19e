"""Responses that several apps return."""

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from . import rate_limits


def back_or(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Redirect to the posted `next` if it is a URL of this site, else to `default`."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if safe else default)


def rate_limited(response: HttpResponse, wait: int) -> HttpResponse:
    """Make `response` a 429 with Retry-After (RFC 6585), in seconds."""
    response.status_code = 429
    response["Retry-After"] = str(wait)
    return response


def with_toast(response: HttpResponse, text: str) -> HttpResponse:
    """Return the htmx `response`, with which the page shows `text` as a toast."""
    return trigger_client_event(response, "toast", {"text": text, "level": "success"})


def with_limit(form: BaseForm, response: HttpResponse) -> HttpResponse:
    """Return the `response` that shows `form`, as a 429 when the form has a RateLimited error."""
    wait = rate_limits.wait_of(form)
    return rate_limited(response, wait) if wait else response
