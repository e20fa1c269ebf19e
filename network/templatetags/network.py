"""Template tags that render lists of members."""

from django import template

from ..person_rows import render_invitations, render_people, render_suggestions

register = template.Library()

register.simple_tag(render_people, name="people_rows")
register.simple_tag(render_suggestions, name="suggestion_rows")
register.simple_tag(render_invitations, name="invitation_rows")
