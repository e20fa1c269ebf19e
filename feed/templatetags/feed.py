"""Template tags that render posts."""

from collections.abc import Sequence

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from network.models import Member
from network.person_rows import person_row, render_rows

from ..cards import render_card, render_card_list
from ..comment_rows import render_comments
from ..models import Comment, Post, Reaction

register = template.Library()


@register.simple_tag(takes_context=True)
def post_card(context: Context, post: Post, whole: bool = False) -> SafeString:
    """Render the card of a post for the page's viewer."""
    return render_card(post, context["user"], whole=whole)


@register.simple_tag(takes_context=True)
def post_list(context: Context, posts: Sequence[Post]) -> SafeString:
    """Render the cards of posts in a list, each followed by an element for its comments."""
    return render_card_list(posts, context["user"])


@register.simple_tag(takes_context=True)
def post_in_list(context: Context, post: Post) -> SafeString:
    """Render the card of one post as in a list."""
    return render_card_list([post], context["user"])


@register.simple_tag
def reaction_kinds() -> list[Reaction.Kind]:
    """Return the kinds of reactions to choose from."""
    return list(Reaction.Kind)


@register.simple_tag(takes_context=True)
def comment_list(context: Context, comments: Sequence[Comment], post: Post) -> SafeString:
    """Render comments with their first replies."""
    return render_comments(comments, post, context["user"], context.get("csrf_token"))


@register.simple_tag(takes_context=True)
def reply_list(context: Context, replies: Sequence[Comment], post: Post) -> SafeString:
    """Render replies."""
    return render_comments(replies, post, context["user"], context.get("csrf_token"), are_replies=True)


@register.simple_tag
def reaction_rows(rows: Sequence[tuple[Reaction.Kind, Member]]) -> SafeString:
    """Render members with their reactions."""
    return render_rows([person_row(member, note=str(kind.label)) for kind, member in rows])
