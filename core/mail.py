"""Sends mail: renders and stores it; a task passes it to the mail server after commit."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from email.utils import getaddresses
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import render_to_string

from .bounces.suppression import may_send
from .mail_headers import (
    MailClass,
    Subscription,
    build_headers,
    class_of_mail,
    confirms_address,
    declare_mail,
    shorten_subject,
)
from .mail_html import PREVIEW_BLANKS, inline_styles
from .observability import metrics
from .outgoing_mail import add_to_outbox, deliver_due, is_server_hanging
from .tasks import enqueue_on_commit, periodic, task

__all__ = [
    "MailClass",
    "Subscription",
    "declare_mail",
    "render_mail",
    "send_mail",
    "send_template",
    "start_delivery",
]

logger = logging.getLogger(__name__)

# RFC 5321 4.5.3.1.3, without the angle brackets.
LONGEST_ADDRESS = 254
# One batch and a slow last message. When a worker is killed, its mail waits until this is over.
DELIVERY_SECONDS = 40


def send_mail(
    *,
    to: str,
    subject: str,
    text: str,
    mail_class: MailClass,
    html: str = "",
    subscription: Subscription | None = None,
    thread: str = "",
    headers: Mapping[str, str] | None = None,
    is_confirmation: bool = False,
    starts_delivery: bool = True,
) -> None:
    """Send one message to the address `to` after commit; `html` is an alternative to `text`.

    Nothing is sent to an address where mail has failed, unless the message `is_confirmation` of it, and only
    transactional mail to one that has complained (core.bounces.suppression).

    The subject is cut at core.mail_headers.LONGEST_SUBJECT. The headers follow from `mail_class`, `subscription`
    (what the member can unsubscribe from) and `thread` (the subject matter); `headers` are added. The message is stored
    in the surrounding transaction; the caller does not wait for the mail server. With `starts_delivery` off the caller
    calls start_delivery once for many messages. Raises ValueError when `to` is not one address.
    """
    if len(to) > LONGEST_ADDRESS or not to.isprintable() or getaddresses([to]) != [("", to)]:
        raise ValueError("a mail has one recipient, an address without a name")
    all_headers = build_headers(mail_class, subscription=subscription, thread=thread) | dict(headers or {})
    if not may_send(to, mail_class, confirms_address=is_confirmation):
        logger.info("a mail was not sent: mail to its recipient is stopped")
        metrics.mail.labels("suppressed").inc()
        return
    add_to_outbox(recipient=to, subject=shorten_subject(subject), text=text, html=html, headers=all_headers)
    if starts_delivery:
        start_delivery()


def start_delivery() -> None:
    """Deliver stored messages after commit."""
    enqueue_on_commit("core.deliver_mail")


def send_template(
    *,
    to: str,
    template: str,
    context: Mapping[str, Any],
    subscription: Subscription | None = None,
    thread: str = "",
    headers: Mapping[str, str] | None = None,
    starts_delivery: bool = True,
) -> None:
    """Render and send `<template>_subject.txt`, `<template>_message.txt` and, if it exists, `…_message.html`.

    The class of the message is the one with which the template is declared; `headers` are added as in send_mail.
    Raises LookupError when it is not declared, and TemplateDoesNotExist when the subject or the text is missing.
    """
    subject, text, html = render_mail(template, context)
    send_mail(
        to=to,
        subject=subject,
        text=text,
        html=html,
        mail_class=class_of_mail(template),
        subscription=subscription,
        thread=thread,
        headers=headers,
        is_confirmation=confirms_address(template),
        starts_delivery=starts_delivery,
    )


def render_mail(template: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return subject, text and HTML of a mail; the HTML is "" when there is no template for it.

    Templates extend `mail/base.html` and have, beside `context`, the name of the network, its URL and its host. Raises
    TemplateDoesNotExist when the subject or the text is missing.
    """
    values = {
        "network_name": settings.NETWORK_NAME,
        "site_url": f"{settings.SITE_URL}/",
        "site_host": urlsplit(settings.SITE_URL).netloc,
        "preview_blanks": PREVIEW_BLANKS,
        **context,
    }
    subject = shorten_subject(render_to_string(f"{template}_subject.txt", values))
    try:
        html = inline_styles(render_to_string(f"{template}_message.html", {**values, "subject": subject}))
    except TemplateDoesNotExist:
        html = ""
    return subject, render_to_string(f"{template}_message.txt", values), html


@task("core.deliver_mail", seconds=DELIVERY_SECONDS, is_atomic=False)
def deliver_mail() -> None:
    """Send one batch of due mail; the rest is sent after other tasks. It waits while the mail server hangs."""
    if not is_server_hanging() and deliver_due():
        start_delivery()


@periodic("core.deliver_waiting_mail", every=timedelta(seconds=10), seconds=DELIVERY_SECONDS)
def deliver_waiting_mail() -> None:
    """Send the mail that waited for the mail server, or that a killed process had taken."""
    deliver_mail()
