"""Lists of posts: home, by member, by hashtag, saved."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.database.pagination import CURSOR, Page, id_cursor, newest_first
from network.models import Member
from users.http import HtmxRequest, MemberRequest, member_required

from ..forms import PostForm
from ..models import Post, SavedPost
from ..models.post import PostQuerySet
from ..timeline import PAGE_SIZE, home_page, load_for_display

_PAGE = "feed/_posts_page.html"


@require_safe
def home(request: HtmxRequest) -> HttpResponse:
    if isinstance(request.user, AnonymousUser):
        return render(request, "feed/welcome.html")
    page = home_page(request.user, request.GET.get(CURSOR))
    context = {"page": page, "form": PostForm.empty()}
    return render(request, _PAGE if request.htmx else "feed/home.html", context)


@require_safe
def by_member(request: HtmxRequest, username: str) -> HttpResponse:
    people = Member.objects.visible_to(request.user).for_display(request.user)
    member = get_object_or_404(people, username=username.lower())
    page = posts_page(request, Post.objects.by(member))
    if request.htmx and not request.GET.get(CURSOR):
        return render(request, "feed/_member_posts.html", {"page": page, "member": member})
    return render(request, _PAGE if request.htmx else "feed/by_member.html", {"page": page, "member": member})


@require_safe
def tag(request: HtmxRequest, tag: str) -> HttpResponse:
    page = posts_page(request, Post.objects.tagged(tag).visible_to(request.user))
    return render(request, _PAGE if request.htmx else "feed/tag.html", {"page": page, "tag": tag})


@member_required
@require_safe
def saved(request: MemberRequest) -> HttpResponse:
    """The member's saved posts, the last saved first."""
    saves = newest_first(
        SavedPost.objects.filter(member=request.user), request.GET.get(CURSOR), size=PAGE_SIZE
    )
    ids = [row.post_id for row in saves.rows]
    posts = load_for_display(ids, request.user)
    page = Page(sorted(posts, key=lambda post: ids.index(post.pk)), saves.next)
    return render(request, _PAGE if request.htmx else "feed/saved.html", {"page": page})


def posts_page(request: HtmxRequest, posts: PostQuerySet) -> Page[Post]:
    """The page of `posts`, all visible to the viewer, at the request's cursor."""
    before = id_cursor(request.GET.get(CURSOR))
    if before is not None:
        posts = posts.filter(pk__lt=before)
    ids = list(posts.order_by("-pk").values_list("pk", flat=True)[: PAGE_SIZE + 1])
    rows = load_for_display(ids[:PAGE_SIZE], request.user)
    return Page(rows, str(ids[PAGE_SIZE - 1]) if len(ids) > PAGE_SIZE else "")
