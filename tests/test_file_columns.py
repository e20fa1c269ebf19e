"""No column names files without being one of core.files.fields (decisions 27 and 40).

By its class, by its shape, and by what it holds once everything that can be stored is stored. What follows from being
one is in tests/test_new_file_column.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import CharField, Field, FileField
from django.test import override_settings
from django.utils import timezone
from PIL import Image

from core.files import unreferenced_files
from core.files.fields import StoredFileField
from feed import services as feed
from operations.transfer.tables import LEFT_OUT
from users import services as users
from users.models import User

from .authorization_objects import create_objects
from .filing import with_tables
from .filing.material import make_sheet
from .filing.models import Shelf
from .test_repository import files_of_the_repository, name_of

# Text that comes from members and has the shape of a file's name.
NO_NAMES_OF_FILES = {("feed.post", "document_name"), ("messaging.attachment", "name")}
# The random part of a name, which no other text of ours contains.
KEY = re.compile(r"[0-9a-f]{32}")
# What makes names and writes files: for core.files, and for the doctor's trial file.
STORES = re.compile(r"\bnew(_private)?_name\(|\bstorage\.store\(|default_storage\.save\(|FileSystemStorage")
MAY_STORE = re.compile(
    r"(core/files|operations|tests|core/tests|bench)/|professional_network/settings/|[a-z]+/tests/"
)


def fields() -> Iterator[tuple[str, "Field[object, object]"]]:
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy:
            yield from ((model._meta.label_lower, field) for field in model._meta.local_concrete_fields)


def file_columns() -> set[tuple[str, str]]:
    return {(label, field.name) for label, field in fields() if isinstance(field, StoredFileField)}


def columns_of_django() -> set[tuple[str, str]]:
    """Fields for files as Django has them: these would be deleted, exported and served by nothing."""
    return {(label, field.name) for label, field in fields() if isinstance(field, FileField)}


def shaped_columns() -> set[tuple[str, str]]:
    """Texts of the shape that a file's name has: 120 characters, and no form changes them."""
    return {
        (label, field.name)
        for label, field in fields()
        if isinstance(field, CharField) and field.max_length == 120 and not field.editable
    }


def columns_that_name_files() -> set[tuple[str, str]]:
    """Columns of which any row contains the name of a stored file."""
    keys = {key for name in unreferenced_files.list_stored_names() for key in KEY.findall(name)}
    found = set()
    for label, field in fields():
        if label in LEFT_OUT:
            continue
        values = field.model._default_manager.values_list(field.attname, flat=True)
        if any(keys & set(KEY.findall(str(value))) for value in values.iterator()):
            found.add((label, field.name))
    return found


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield


def test_no_column_is_a_file_field_of_django() -> None:
    assert columns_of_django() == set()


def test_every_text_of_that_shape_names_files() -> None:
    assert shaped_columns() - NO_NAMES_OF_FILES == file_columns()


@pytest.mark.django_db
def test_no_other_column_holds_the_name_of_a_stored_file(alice: User, mona: User) -> None:
    create_objects(alice, mona)
    image = Image.new("RGB", (40, 30), "teal")
    users.set_photo(user=alice, image=image)
    users.set_cover(user=alice, image=image)
    feed.publish_post(author=alice, text="", pictures=[feed.Picture(image)])
    assert columns_that_name_files() == file_columns()
    assert list(unreferenced_files.find_unreferenced_files(timezone.now())) == []


@pytest.mark.django_db(transaction=True)
def test_a_text_that_names_a_file_is_found() -> None:
    with with_tables():
        make_sheet(Shelf.objects.create())
        assert columns_that_name_files() - file_columns() == {("filing.sheet", "note")}
        assert len(columns_that_name_files()) == 5


def test_files_are_stored_through_their_columns_alone() -> None:
    code = [path for path in files_of_the_repository() if path.suffix == ".py"]
    storing = {name_of(path) for path in code if STORES.search(path.read_text())}
    assert {name for name in storing if not MAY_STORE.match(name)} == set()
    assert "core/files/fields.py" in storing
