"""Tags of the feed's templates."""

from collections.abc import Sequence

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from ..cards import list_of_cards
from ..cards import post_card as card_of
from ..models import Post

register = template.Library()


@register.simple_tag(takes_context=True)
def post_card(context: Context, post: Post, whole: bool = False) -> SafeString:
    """The card of a post for the page's viewer."""
    return card_of(post, context["user"], whole=whole)


@register.simple_tag(takes_context=True)
def post_list(context: Context, posts: Sequence[Post]) -> SafeString:
    """The cards of posts in a list, each with the place for its comments."""
    return list_of_cards(posts, context["user"])


@register.simple_tag(takes_context=True)
def post_in_list(context: Context, post: Post) -> SafeString:
    """The same for one post."""
    return list_of_cards([post], context["user"])
