"""Template tags and filters of all pages; a builtin of the template engine, so that no template loads it."""

import datetime as dt
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from theme.modules import imported_modules

register = template.Library()

ICONS = Path(__file__).resolve().parent.parent / "icons"
MINUTE, HOUR, DAY = 60, 3600, 86_400


@lru_cache(maxsize=1)
def _icon_names() -> frozenset[str]:
    return frozenset(path.stem for path in ICONS.glob("*.svg"))


@lru_cache(maxsize=512)
def _render_icon(name: str, classes: str, label: str, sprite: str) -> SafeString:
    if name not in _icon_names():
        raise template.TemplateSyntaxError(f"There is no icon named {name!r} in theme/icons.")
    css = f"icon {classes}" if classes else "icon"
    purpose = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="{}" {}><use href="{}#{}"/></svg>', css, purpose, sprite, name)


@register.simple_tag(name="icon")
def icon_svg(name: str, classes: str = "", label: str = "") -> SafeString:
    """Return the icon of `theme/icons/<name>.svg` in the colour of the text.

    It is hidden from screen readers unless it has a `label`. scripts/icon_sprite.py builds the sprite.
    """
    return _render_icon(str(name), str(classes), str(label), asset("theme/icons.svg"))


@register.simple_tag
def submission_id() -> SafeString:
    """Return a hidden field with an id, by which the server recognises a form sent twice (users.form_submissions)."""
    return format_html('<input type="hidden" name="submission_id" value="{}">', uuid.uuid4())


@register.simple_tag
def ago(
    moment: dt.datetime | None, age: tuple[str, int] | None = None, this_year: int | None = None
) -> SafeString:
    """Return a `<time>`: relative under a week, then the date; the title has the full date and time with the zone.

    Parts that are cached give `age` (see measure_age) and `this_year`, so that they do not depend on the clock. Scripts
    replace them by date and time in the reader's zone (theme/js/times.js).
    """
    if moment is None:
        return mark_safe("")
    moment = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    local = timezone.localtime(moment)
    title = f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i T')}"
    return format_html(
        '<time datetime="{}" title="{}" data-ago="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        title,
        (age or measure_age(moment, timezone.now()))[0],
        words_for_age(moment, age=age, this_year=this_year),
    )


def words_for_age(
    moment: dt.datetime,
    now: dt.datetime | None = None,
    *,
    age: tuple[str, int] | None = None,
    this_year: int | None = None,
) -> str:
    """Return the age of `moment` (aware) at `now`: "just now", "5 min ago", "3 h ago", "2 days ago", "12 Nov"."""
    now = now or timezone.now()
    unit, count = age or measure_age(moment, now)
    if unit == "now":
        return gettext("just now")
    if unit == "minutes":
        return ngettext("%(count)s min ago", "%(count)s min ago", count) % {"count": count}
    if unit == "hours":
        return ngettext("%(count)s h ago", "%(count)s h ago", count) % {"count": count}
    if unit == "days":
        return ngettext("%(count)s day ago", "%(count)s days ago", count) % {"count": count}
    local = timezone.localtime(moment)
    return date_format(local, "j M" if local.year == (this_year or timezone.localtime(now).year) else "j M Y")


def measure_age(moment: dt.datetime, now: dt.datetime) -> tuple[str, int]:
    """Return unit and number that `words_for_age` shows; for "date", that also depends on the year of `now`."""
    seconds = int((now - moment).total_seconds())
    if 0 <= seconds < MINUTE or -MINUTE < seconds < 0:
        return "now", 0
    if 0 < seconds < HOUR:
        return "minutes", seconds // MINUTE
    if 0 < seconds < DAY:
        return "hours", seconds // HOUR
    if 0 < seconds < 7 * DAY:
        return "days", seconds // DAY
    return "date", 0


@register.filter
def compact(value: Any) -> str:
    """Return a short form of a count, rounded down: 999, 1.2K, 12K, 1M, 3.4M."""
    try:
        number = int(value or 0)
    except (TypeError, ValueError):
        return str(value)
    size = abs(number)
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if size >= unit:
            tenths = size * 10 // unit
            short = (
                number_format(tenths // 10)
                if tenths >= 100 or tenths % 10 == 0
                else number_format(tenths / 10, 1)
            )
            return f"{'-' if number < 0 else ''}{short}{letter}"
    return number_format(number)


@register.simple_tag(takes_context=True)
def active(context: Context, *names: str) -> SafeString:
    """Return `aria-current="page"` if the page's URL name starts with one of `names`, else nothing.

    Inside `{% remember %}` there is no request; the URL name is `here` then.
    """
    match = getattr(context.get("request"), "resolver_match", None)
    here = context.get("here") or getattr(match, "view_name", None) or ""
    return mark_safe('aria-current="page"' if names and here.startswith(names) else "")


@register.simple_tag(takes_context=True)
def slot(context: Context, name: str) -> SafeString:
    """Render the templates of this slot (the setting TEMPLATE_SLOTS) with the context of the page.

    With slots, pages of lower apps show content of higher apps without naming them.
    """
    engine = template.Engine.get_default()
    templates = settings.TEMPLATE_SLOTS.get(name, ())
    return mark_safe("".join(engine.get_template(each).render(context) for each in templates))


@register.simple_tag
def sign_in_url() -> str:
    """Return the URL of the sign-in page (the setting LOGIN_URL)."""
    return reverse(settings.LOGIN_URL)


@register.simple_tag
def asset(path: str) -> str:
    """Return a static URL like `{% static %}`, but also without a manifest: error pages must always render."""
    try:
        return static(path)
    except ValueError:
        return f"{settings.STATIC_URL}{path}"


@register.simple_tag
def module(*scripts: str) -> SafeString:
    """Return the tags that run `scripts`, such as "theme/js/app.js", as modules.

    Where static files are collected, these are the bundles that contain them (settings.SCRIPT_BUNDLES). Elsewhere all
    that they import is asked for at once: a browser that finds an import only by reading the importer waits for one
    response after another. Raises TemplateSyntaxError for a script without a bundle.
    """
    if unknown := [script for script in scripts if script not in _bundles_by_script()]:
        raise template.TemplateSyntaxError(f"settings.SCRIPT_BUNDLES has no bundle with {unknown[0]}.")
    bundles = [
        f"bundles/{name}.js" for name in dict.fromkeys(_bundles_by_script()[script] for script in scripts)
    ]
    collected = getattr(staticfiles_storage, "hashed_files", {})
    if all(bundle in collected for bundle in bundles):
        return _link_modules(bundles, [])
    return _link_modules(
        scripts, dict.fromkeys(each for script in scripts for each in imported_modules(script))
    )


def _bundles_by_script() -> dict[str, str]:
    return {script: name for name, scripts in settings.SCRIPT_BUNDLES.items() for script in scripts}


def _link_modules(scripts: Iterable[str], imported: Iterable[str]) -> SafeString:
    preload = format_html_join(
        "\n", '<link rel="modulepreload" href="{}">', ((asset(each),) for each in imported)
    )
    run = format_html_join(
        "\n", '<script src="{}" type="module"></script>', ((asset(each),) for each in scripts)
    )
    return format_html("{}{}", preload, run)


def _render_component(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    component = template.Engine.get_default().get_template(f"components/_{name}.html")
    # `new` keeps the language and escaping of the page, but not its variables.
    return component.render(context.new(values))


@register.simple_block_tag(takes_context=True)
def card(context: Context, content: SafeString, title: str = "", **options: Any) -> SafeString:
    """Render a card. Options: `href` + `link` (at the right of the title), `classes`, `id`, `tag`."""
    return _render_component(
        context, "card", {"content": content, "title": title, "tag": "section", **options}
    )


@register.simple_block_tag(takes_context=True)
def menu(context: Context, content: SafeString, label: str, **options: Any) -> SafeString:
    """Render a menu of actions. Options: `icon`, `classes` (of the button), `show_label`, `start`."""
    return _render_component(
        context, "menu", {"content": content, "label": label, "icon": "ellipsis", **options}
    )


@register.simple_block_tag(takes_context=True)
def dialog(context: Context, content: SafeString, id: str, title: str, **options: Any) -> SafeString:  # noqa: A002
    """Render a `<dialog>`, which `data-dialog="<id>"` opens. Options: `open` (at once, for htmx responses)."""
    return _render_component(context, "dialog", {"content": content, "id": id, "title": title, **options})


@register.simple_block_tag(takes_context=True)
def person(context: Context, content: SafeString, member: Any, **options: Any) -> SafeString:
    """Render a member in a list, with actions at the right. Options: `note`, `size`, `line`, `linked`, `id`."""
    return _render_component(
        context, "person", {"content": content, "member": member, "linked": True, **options}
    )


@register.simple_block_tag(takes_context=True)
def tabs(context: Context, content: SafeString, label: str, side: bool = False) -> SafeString:
    """Render a row of `{% tab %}`s; with `side`, a column from tablet width on."""
    return _render_component(context, "tabs", {"content": content, "label": label, "side": side})


@register.simple_tag(takes_context=True)
def tab(
    context: Context,
    url: str,
    label: str,
    count: int | None = None,
    icon: str = "",
    current: bool | None = None,
) -> SafeString:
    """Render a tab; by default it is current if `url` is the page's path (with its query, if `url` has one).

    Inside `{% remember %}` there is no request; the path is `path` then.
    """
    if current is None:
        request = context.get("request")
        path = context.get("path", "") if request is None else request.path
        current = url == (request.get_full_path() if request and "?" in url else path)
    return format_html(
        '<a href="{}"{}>{}{}{}</a>',
        url,
        mark_safe(' aria-current="page"') if current else "",
        icon_svg(icon) if icon else "",
        label,
        format_html(' <span class="badge">{}</span>', compact(count)) if count else "",
    )
