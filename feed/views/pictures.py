"""Pictures of posts, for those who may read the post now."""

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.web.media_views import deliver
from users.http import HtmxRequest

from ..models import Post, PostImage
from ..models.post_view import IMAGE_SIZES

SIZES = {str(size): size for size in IMAGE_SIZES}


@require_safe
def picture(request: HtmxRequest, pk: int, image: int) -> HttpResponseBase:
    """The picture, to be shown in a page (`?size=` 800 or 1600)."""
    size = SIZES.get(request.GET.get("size", str(IMAGE_SIZES[0])))
    if size is None:
        raise Http404
    readable = PostImage.objects.filter(post__in=Post.objects.visible_to(request.user).filter(pk=pk))
    found = get_object_or_404(readable, pk=image)
    name = PostImage.variant(found.file, size)
    return deliver(request, name, filename="picture.webp", content_type="image/webp", shown=True)
