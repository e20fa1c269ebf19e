from importlib import import_module

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = "Messaging"

    def ready(self) -> None:
        import_module("messaging.receivers")
        import_module("messaging.socket.frames")
        import_module("messaging.socket.events")
        import_module("messaging.socket.presence_socket")
