"""Tags of the feed's templates."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from ..cards import post_card as card_of
from ..models import Post

register = template.Library()


@register.simple_tag(takes_context=True)
def post_card(context: Context, post: Post, whole: bool = False) -> SafeString:
    """The card of a post for the page's viewer."""
    return card_of(post, context["user"], whole=whole)
