from importlib import import_module

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        import_module("notifications.receivers")
        import_module("notifications.tasks")
        import_module("notifications.frames")
        import_module("notifications.replies.receiving")
        import_module("notifications.metrics")
