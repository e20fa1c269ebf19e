"""The webhooks by which mail providers report failures and complaints."""

import logging
import time

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.web.client_ip import client_address
from core.web.error_pages import too_many_requests
from core.web.request_bodies.body_limits import accepts_json

from .webhooks import MAILGUN, SENDGRID, Provider, RefusedReport, receive_webhook

limits = logging.getLogger("security.limit")
denials = logging.getLogger("security.denied")

# A provider sends batches; each signature takes a fraction of a millisecond.
MOST_PER_MINUTE = 300
MAX_BODY = 1024 * 1024


# Providers have no session, so no cookie whose power a forged request could use: the signature says who sends it.
@csrf_exempt
@accepts_json(MAX_BODY)
@require_POST
def receive_from_mailgun(request: HttpRequest) -> HttpResponse:
    """Receive one event of Mailgun."""
    return _receive(request, MAILGUN)


@csrf_exempt
@accepts_json(MAX_BODY)
@require_POST
def receive_from_sendgrid(request: HttpRequest) -> HttpResponse:
    """Receive a batch of events of SendGrid."""
    return _receive(request, SENDGRID)


def _receive(request: HttpRequest, provider: Provider) -> HttpResponse:
    if not provider.key:
        raise Http404
    if _is_too_often(request):
        limits.warning("rate limit hit: reports of a mail provider")
        return too_many_requests(request)
    try:
        receive_webhook(provider, request.headers, request.body)
    except RefusedReport as error:
        denials.warning("a report of a mail provider was refused: %s", error)
        return HttpResponse("refused", status=403, content_type="text/plain")
    return HttpResponse("received", content_type="text/plain")


def _is_too_often(request: HttpRequest) -> bool:
    """Count the request for its client's address and minute, and return whether there were too many."""
    key = f"mail-reports:{client_address(request)}:{time.time() // 60:.0f}"
    cache.add(key, 0, timeout=120)
    return int(cache.incr(key)) > MOST_PER_MINUTE
