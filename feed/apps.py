from importlib import import_module

from django.apps import AppConfig


class FeedConfig(AppConfig):
    name = "feed"
    verbose_name = "Feed"

    def ready(self) -> None:
        import_module("feed.frames")
        import_module("feed.receivers")
