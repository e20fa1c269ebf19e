"""The design system: base pages, components, form rendering, stylesheet and scripts."""

from django.apps import AppConfig


class ThemeConfig(AppConfig):
    name = "theme"
