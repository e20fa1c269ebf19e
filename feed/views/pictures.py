"""Pictures of posts, for viewers who may read the post."""

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.web.media.views import deliver_column_file
from users.http import HtmxRequest

from ..models import Post, PostImage


@require_safe
def picture(request: HtmxRequest, pk: int, image: int) -> HttpResponseBase:
    """Serve a picture for display in a page (`?size=` 800 or 1600)."""
    readable = PostImage.objects.filter(post__in=Post.objects.visible_to(request.user).filter(pk=pk))
    found = get_object_or_404(readable, pk=image)
    return deliver_column_file(request, found, PostImage.file.field)
