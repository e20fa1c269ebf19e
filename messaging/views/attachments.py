"""Pictures and files of messages, for those who may read the message."""

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.web.media.views import deliver_column_file
from users.http import MemberRequest, member_required

from ..models import Attachment


@member_required
@require_safe
def attachment(request: MemberRequest, pk: int, file: int) -> HttpResponseBase:
    """A picture to be shown in the page (`?size=` 800 or 1600), any other file as a download."""
    readable = Attachment.objects.readable_by(request.user).filter(entry__conversation=pk)
    found = get_object_or_404(readable, pk=file)
    return deliver_column_file(request, found, Attachment.stored.field, filename=found.name)
