"""An app that exists in tests alone: models with new file columns, which nothing but their declaration makes known."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import AppConfig, apps
from django.db import connection

from core.files.row_files import delete_files_with_rows


@contextmanager
def installed() -> Iterator[None]:
    """Inside, the app is one of the project's; its tables are not made."""
    config = AppConfig.create("tests.filing")
    config.apps = apps
    apps.app_configs[config.label] = config
    config.import_models()
    apps.clear_cache()
    delete_files_with_rows()  # as CoreConfig.ready does when the project starts
    try:
        yield
    finally:
        del apps.app_configs[config.label]
        apps.clear_cache()


@contextmanager
def with_tables() -> Iterator[None]:
    """The same with its tables, in the database of the test, which must be transactional."""
    with installed():
        models = list(apps.get_app_config("filing").get_models())
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        try:
            yield
        finally:
            with connection.schema_editor() as editor:
                for model in reversed(models):
                    editor.delete_model(model)
