"""The form renderer (the setting FORM_RENDERER)."""

from functools import lru_cache
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.template.loader import get_template
from django.utils.functional import Promise

# Django's templates and the theme's templates that replace them, also for `{{ form.as_p }}` of other apps.
REPLACEMENTS = {
    "django/forms/p.html": "theme/forms/form.html",
    "django/forms/div.html": "theme/forms/form.html",
    "django/forms/errors/list/default.html": "theme/forms/errors.html",
    "django/forms/errors/list/ul.html": "theme/forms/errors.html",
    "django/forms/widgets/clearable_file_input.html": "theme/forms/file.html",
}

# Widgets that are rendered once for equal values. A client may send any text as a choice, so long ones are left out.
REMEMBERED = {f"django/forms/widgets/{name}.html" for name in ("select", "radio", "checkbox")}
MAX_TEXT = 300


class ThemeRenderer(TemplatesSetting):
    """Renders `{{ form }}` and `{{ form.name.as_field_group }}` with the templates of the theme."""

    form_template_name = "theme/forms/form.html"
    formset_template_name = "theme/forms/formset.html"
    field_template_name = "theme/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """Render a template like Django does, with some templates replaced."""
        if template_name in REMEMBERED and request is None:
            try:
                return _render_widget(template_name, _freeze(context))
            except _NotPlainError:
                pass
        return super().render(REPLACEMENTS.get(template_name, template_name), context, request)


class _NotPlainError(TypeError):
    """A value of a widget cannot be part of a cache key, or is too long for it."""


@lru_cache(maxsize=500)
def _render_widget(template_name: str, frozen: Any) -> str:
    """Render a widget from its key alone."""
    return str(get_template(template_name).render(_thaw(frozen)).strip())


def _freeze(value: Any) -> Any:
    """Return a hashable copy; equal copies render the same, so that each value comes with its type."""
    if isinstance(value, dict):
        return dict, tuple((name, _freeze(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return list, tuple(_freeze(each) for each in value)
    if isinstance(value, Promise):
        return str, str(value)
    if value is None or (type(value) in {str, int, bool} and len(str(value)) <= MAX_TEXT):
        return type(value), value
    raise _NotPlainError


def _thaw(frozen: Any) -> Any:
    kind, value = frozen
    if kind is dict:
        return {name: _thaw(each) for name, each in value}
    return [_thaw(each) for each in value] if kind is list else value
