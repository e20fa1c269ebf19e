"""The bare view: the cheapest page of the same stack, the baseline of bench.feed."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from feed.models import Post
from users.http import MemberRequest, member_required

ROWS = 20


@member_required
@require_GET
def bare_view(request: MemberRequest) -> HttpResponse:
    """Load session, user and 20 rows; return as many bytes as `?bytes=` says."""
    size = int(request.GET["bytes"])
    rows = Post.objects.order_by("-pk").values_list("pk", "author_id", "created_at", "html")[:ROWS]
    body = "".join(html for _pk, _author, _at, html in rows).encode() or b" "
    return HttpResponse((body * (size // len(body) + 1))[:size])
