from importlib import import_module

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        import_module("users.receivers")
        import_module("users.tasks")
