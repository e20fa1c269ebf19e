"""Forms that are sent twice create one row: `{% submission_id %}` in the form, `create_once` in its view."""

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
from .models import FormSubmission, User

FIELD = "submission_id"
# Fields that differ between two submissions of the same form.
NOT_TYPED = (FIELD, "csrfmiddlewaretoken")
# A form that is sent again later than this creates another row.
KEPT = datetime.timedelta(days=7)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class ChangedSinceSent(ValidationError):
    """The form was sent before with other text; it is shown again with this text and another id."""

    def __init__(self) -> None:
        super().__init__(
            _("You changed a form that was already sent. Send it again to add this version, too."),
            code="changed",
        )


def create_once(request: MemberRequest, create: Callable[[], models.Model]) -> int:
    """Return the primary key of the row that `create` returns, or returned for an earlier submission of the form.

    Of two concurrent submissions, the later one waits for the first. If `create` raises, nothing is stored, so that the
    form can be sent again. A form without an id creates a row each time. Raises ChangedSinceSent.
    """
    submission_id = _submission_id(request)
    if submission_id is None:
        return int(create().pk)
    fingerprint = _form_fingerprint(request)
    return create_once_by_id(
        member=request.user, submission_id=submission_id, fingerprint=fingerprint, create=create
    )


def create_once_by_id(
    *, member: User, submission_id: uuid.UUID, fingerprint: str, create: Callable[[], models.Model]
) -> int:
    """Like create_once, for what is no form: `fingerprint` (at most 64 characters) is that of its content."""
    with transaction.atomic():
        submission, is_new = FormSubmission.objects.get_or_create(
            member=member, submission_id=submission_id, defaults={"fingerprint": fingerprint}
        )
        if is_new:
            submission.result_id = create().pk
            submission.save(update_fields=["result_id"])
            before = timezone.now() - KEPT
            FormSubmission.objects.filter(member=member, created_at__lt=before).delete()
    if not is_new and submission.fingerprint != fingerprint:
        raise ChangedSinceSent
    return submission.result_id


def was_sent(request: MemberRequest) -> bool:
    """Return whether exactly this form has created a row before, for forms that refuse duplicates."""
    submission_id = _submission_id(request)
    if submission_id is None:
        return False
    mine = FormSubmission.objects.filter(member=request.user, submission_id=submission_id)
    return mine.filter(fingerprint=_form_fingerprint(request)).exists()


def _submission_id(request: MemberRequest) -> uuid.UUID | None:
    """Return the id in the form; None if it is missing or malformed."""
    typed = request.POST.get(FIELD, "")
    return uuid.UUID(typed) if _UUID.fullmatch(typed) else None


def _form_fingerprint(request: MemberRequest) -> str:
    typed = [(name, values) for name, values in request.POST.lists() if name not in NOT_TYPED]
    files = [(name, [(file.name, file.size) for file in found]) for name, found in request.FILES.lists()]
    return hashlib.sha256(repr((request.path, sorted(typed), sorted(files))).encode()).hexdigest()
