from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from . import cleaning_tasks, mail  # noqa: F401, PLC0415 -- they register tasks
        from .bounces import inbound, monitoring  # noqa: F401, PLC0415 -- they register recipients and metrics
        from .checks import register_checks  # noqa: PLC0415
        from .files.row_files import delete_files_with_rows  # noqa: PLC0415
        from .observability import metrics  # noqa: PLC0415 -- apps are ready only now
        from .tasks import monitoring as task_monitoring  # noqa: F401, PLC0415 -- it registers metrics

        register_checks()
        delete_files_with_rows()
        metrics.count_security_lines()
