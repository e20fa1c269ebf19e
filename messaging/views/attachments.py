"""Pictures and files of messages, for those who may read the message."""

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.web.media_views import deliver
from users.http import MemberRequest, member_required

from ..models import Attachment
from ..models.entry_view import PICTURE_SIZES

SIZES = {str(size): size for size in PICTURE_SIZES}


@member_required
@require_safe
def attachment(request: MemberRequest, pk: int, file: int) -> HttpResponseBase:
    """A picture to be shown in the page (`?size=` 800 or 1600), any other file as a download."""
    readable = Attachment.objects.readable_by(request.user).filter(entry__conversation=pk)
    found = get_object_or_404(readable, pk=file)
    if not found.is_picture:
        return deliver(request, found.stored, filename=found.name)
    size = SIZES.get(request.GET.get("size", str(PICTURE_SIZES[-1])))
    if size is None:
        raise Http404
    name = Attachment.variant(found.stored, size)
    filename = f"{found.name or 'picture'}.webp"
    return deliver(request, name, filename=filename, content_type="image/webp", shown=True)
