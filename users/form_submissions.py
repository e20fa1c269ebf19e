"""A form that is sent twice makes one thing: `{% submission_id %}` in the form, `create_once` in its view."""

import datetime
import hashlib
import re
import uuid
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .http import MemberRequest
from .models import FormSubmission

FIELD = "submission_id"
# Not what the member typed: these differ between two sends of the same form.
NOT_TYPED = (FIELD, "csrfmiddlewaretoken")
# A form that was left open for longer is a new one.
KEPT = datetime.timedelta(days=7)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class ChangedSinceSent(ValidationError):
    """The form was sent before with other words; it is shown again with another id, and the words in it."""

    def __init__(self) -> None:
        super().__init__(
            _("You changed something that was sent already. Send it again to add it as well."), code="changed"
        )


def create_once(request: MemberRequest, create: Callable[[], models.Model]) -> int:
    """The primary key of what `create` makes, or of what it made when the same form was sent before.

    Of two that come at once the later one waits for the first. What `create` raises leaves nothing behind, so that the
    form may be sent again. A form without an id makes something each time. Raises ChangedSinceSent.
    """
    submission_id = _submission_id(request)
    if submission_id is None:
        return int(create().pk)
    with transaction.atomic():
        submission, is_new = FormSubmission.objects.get_or_create(
            member=request.user, submission_id=submission_id, defaults={"fingerprint": _fingerprint(request)}
        )
        if is_new:
            submission.result_id = create().pk
            submission.save(update_fields=["result_id"])
            _delete_old(request)
    if not is_new and submission.fingerprint != _fingerprint(request):
        raise ChangedSinceSent
    return submission.result_id


def was_sent(request: MemberRequest) -> bool:
    """Whether exactly this form has made something before: for forms that refuse to add the same twice."""
    submission_id = _submission_id(request)
    if submission_id is None:
        return False
    mine = FormSubmission.objects.filter(member=request.user, submission_id=submission_id)
    return mine.filter(fingerprint=_fingerprint(request)).exists()


def _submission_id(request: MemberRequest) -> uuid.UUID | None:
    """What the form was shown with; None where that is missing or no id of ours."""
    typed = request.POST.get(FIELD, "")
    return uuid.UUID(typed) if _UUID.fullmatch(typed) else None


def _fingerprint(request: MemberRequest) -> str:
    typed = [(name, values) for name, values in request.POST.lists() if name not in NOT_TYPED]
    files = [(name, [(file.name, file.size) for file in found]) for name, found in request.FILES.lists()]
    return hashlib.sha256(repr((request.path, sorted(typed), sorted(files))).encode()).hexdigest()


def _delete_old(request: MemberRequest) -> None:
    before = timezone.now() - KEPT
    FormSubmission.objects.filter(member=request.user, created_at__lt=before).delete()
