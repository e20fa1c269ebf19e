"""Lists of posts: home, by member, by hashtag, saved."""

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.database.pagination import CURSOR
from network.member_queries import find_member
from users.http import HtmxRequest, MemberRequest, member_required

from ..forms import PostForm
from ..queries.post_lists import member_page, saved_page, tag_page
from ..timeline import load_home_page

_PAGE = "feed/_posts_page.html"


@require_safe
def home(request: HtmxRequest) -> HttpResponse:
    if isinstance(request.user, AnonymousUser):
        return render(request, "feed/welcome.html")
    page = load_home_page(request.user, request.GET.get(CURSOR))
    context = {"page": page, "form": PostForm.empty()}
    return render(request, _PAGE if request.htmx else "feed/home.html", context)


@require_safe
def by_member(request: HtmxRequest, username: str) -> HttpResponse:
    member = find_member(username, request.user)
    if member is None:
        raise Http404
    page = member_page(member, request.user, request.GET.get(CURSOR))
    if request.htmx and not request.GET.get(CURSOR):
        return render(request, "feed/_member_posts.html", {"page": page, "member": member})
    return render(request, _PAGE if request.htmx else "feed/by_member.html", {"page": page, "member": member})


@require_safe
def tag(request: HtmxRequest, tag: str) -> HttpResponse:
    page = tag_page(tag, request.user, request.GET.get(CURSOR))
    return render(request, _PAGE if request.htmx else "feed/tag.html", {"page": page, "tag": tag})


@member_required
@require_safe
def saved(request: MemberRequest) -> HttpResponse:
    page = saved_page(request.user, request.GET.get(CURSOR))
    return render(request, _PAGE if request.htmx else "feed/saved.html", {"page": page})
