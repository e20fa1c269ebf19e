"""The design system: base pages, components, form rendering, the stylesheet and the scripts."""

from django.apps import AppConfig


class ThemeConfig(AppConfig):
    name = "theme"
