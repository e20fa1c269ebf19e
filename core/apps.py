from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from . import metrics  # noqa: PLC0415 -- apps are ready only now
        from .checks import register_checks  # noqa: PLC0415

        register_checks()
        metrics.count_security_lines()
