"""The one door for mail: rendered here, sent by a task after commit."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import render_to_string

from . import metrics
from .tasks import enqueue_on_commit, task


def send_mail(
    *, to: str, subject: str, text: str, html: str = "", headers: Mapping[str, str] | None = None
) -> None:
    """Send one message to the address `to` after commit; `html` is an alternative to `text`.

    Line breaks in `subject` become spaces, so that nothing typed by a member can add a header (RFC 5322 2.2).
    A mail server that is down never fails the caller.
    """
    enqueue_on_commit(
        "core.deliver_mail",
        to=to,
        subject=" ".join(subject.split()),
        text=text,
        html=html,
        headers=dict(headers or {}),
    )


def send_template(
    *, to: str, template: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> None:
    """Render and send `<template>_subject.txt`, `<template>_message.txt` and, where it exists, `…_message.html`.

    Raises TemplateDoesNotExist when the subject or the text is missing.
    """
    values = dict(context)
    try:
        html = str(render_to_string(f"{template}_message.html", values))
    except TemplateDoesNotExist:
        html = ""
    send_mail(
        to=to,
        subject=render_to_string(f"{template}_subject.txt", values),
        text=render_to_string(f"{template}_message.txt", values),
        html=html,
        headers=headers,
    )


@task("core.deliver_mail")
def deliver_mail(*, to: str, subject: str, text: str, html: str, headers: dict[str, str]) -> None:
    """Hand one message to the configured mail backend; raises what the backend raises."""
    message = EmailMultiAlternatives(
        subject=subject, body=text, from_email=settings.DEFAULT_FROM_EMAIL, to=[to], headers=headers
    )
    if html:
        message.attach_alternative(html, "text/html")
    outcome = "failed"
    try:
        message.send()
        outcome = "sent"
    finally:
        metrics.mail.labels(outcome).inc()
