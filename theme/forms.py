"""The form renderer (the setting FORM_RENDERER)."""

from typing import Any

from django.forms.renderers import TemplatesSetting

# Django's templates and the theme's templates that replace them, also for `{{ form.as_p }}` of other apps.
REPLACEMENTS = {
    "django/forms/p.html": "theme/forms/form.html",
    "django/forms/div.html": "theme/forms/form.html",
    "django/forms/errors/list/default.html": "theme/forms/errors.html",
    "django/forms/errors/list/ul.html": "theme/forms/errors.html",
    "django/forms/widgets/clearable_file_input.html": "theme/forms/file.html",
}


class ThemeRenderer(TemplatesSetting):
    """Renders `{{ form }}` and `{{ form.name.as_field_group }}` with the templates of the theme."""

    form_template_name = "theme/forms/form.html"
    formset_template_name = "theme/forms/formset.html"
    field_template_name = "theme/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """Render a template like Django does, with some templates replaced."""
        return super().render(REPLACEMENTS.get(template_name, template_name), context, request)
