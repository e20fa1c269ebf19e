"""How forms look: the renderer named by FORM_RENDERER."""

from typing import Any

from django.forms.renderers import TemplatesSetting

# Django's own templates that are drawn by ours, whoever asks for them (`{{ form.as_p }}` of other apps too).
OURS = {
    "django/forms/p.html": "theme/forms/form.html",
    "django/forms/div.html": "theme/forms/form.html",
    "django/forms/errors/list/default.html": "theme/forms/errors.html",
    "django/forms/errors/list/ul.html": "theme/forms/errors.html",
    "django/forms/widgets/clearable_file_input.html": "theme/forms/file.html",
}


class ThemeRenderer(TemplatesSetting):
    """Draws `{{ form }}` and `{{ form.name.as_field_group }}` in the product's look."""

    form_template_name = "theme/forms/form.html"
    formset_template_name = "theme/forms/formset.html"
    field_template_name = "theme/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """As Django's, with our templates in place of some of its own."""
        return super().render(OURS.get(template_name, template_name), context, request)
