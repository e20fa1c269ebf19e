"""A new file column is declared, and nothing else: its files are stored, served, deleted and found all the same.

The plain text `note` of the same row names a file, too: it shows what becomes of a file that no field knows of.
Exports and backups: tests/backup/test_new_file_column.py.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone
from PIL import Image

from core.files import exposed_files, storage, unreferenced_files
from core.files.fields import PictureField, StoredFileField
from core.files.row_files import files_of_row

from .filing import with_tables
from .filing.material import PDF, make_sheet
from .filing.models import Sheet, Shelf

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _filing(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """The app with its tables, and an empty folder of uploads."""
    with with_tables(), override_settings(MEDIA_ROOT=str(tmp_path), ROOT_URLCONF="tests.filing.urls"):
        yield


@pytest.fixture
def sheet(_filing: None) -> Sheet:
    return make_sheet(Shelf.objects.create())


def stored() -> set[str]:
    return set(unreferenced_files.list_stored_names())


def fetch(address: str) -> tuple[int, bytes]:
    answer: Any = Client().get(address)
    data = b"".join(answer)
    answer.close()
    return answer.status_code, data


def test_files_are_stored_under_names_that_the_column_makes(sheet: Sheet) -> None:
    assert len(files_of_row(sheet)) == 6
    assert stored() == {*files_of_row(sheet), sheet.note}
    assert [sheet.poster[:8], sheet.leaflet[:9]] == ["posters/", "leaflets/"]
    assert [sheet.sketch[:17], sheet.contract[:18]] == ["private/sketches/", "private/contracts/"]
    sizes = {}
    for name in files_of_row(sheet):
        if name.endswith(".webp"):
            with default_storage.open(name) as file, Image.open(file) as image:
                sizes[name] = image.size
    assert list(sizes.values()) == [(64, 48), (32, 24), (64, 32), (32, 16)]


def test_what_is_stored_for_a_transaction_that_fails_is_deleted() -> None:
    shelf = Shelf.objects.create()
    with suppress(ZeroDivisionError), storage.removed_on_failure(), transaction.atomic():
        make_sheet(shelf)
        1 / 0  # noqa: B018
    assert (stored(), Sheet.objects.count()) == (set(), 0)


def test_the_url_of_a_public_file_is_that_of_the_storage(sheet: Sheet) -> None:
    poster = Sheet.poster.field
    assert (
        poster.url_for(sheet) == poster.url_for(sheet, 64) == default_storage.url(f"{sheet.poster}-64.webp")
    )
    status, data = fetch(poster.url_for(sheet, 32))
    assert (status, Image.open(io.BytesIO(data)).size) == (200, (32, 24))
    assert fetch(Sheet.leaflet.field.url_for(sheet)) == (200, PDF)
    nothing = Sheet(poster="", leaflet="")
    assert (poster.url_for(nothing, 32), Sheet.leaflet.field.url_for(nothing)) == ("", "")
    with pytest.raises(ValueError, match="poster has no size 7"):
        poster.url_for(sheet, 7)


def test_the_url_of_a_private_file_is_that_of_the_view_with_the_row_s_rule(sheet: Sheet) -> None:
    sketch, contract = Sheet.sketch.field, Sheet.contract.field
    address = f"/filing/{sheet.pk}/sketch/"
    assert [sketch.url_for(sheet), sketch.url_for(sheet, 64)] == [address, f"{address}?size=64"]
    for url, size in ((address, (32, 16)), (f"{address}?size=64", (64, 32))):
        status, data = fetch(url)
        assert (status, Image.open(io.BytesIO(data)).size) == (200, size)
    assert fetch(contract.url_for(sheet)) == (200, PDF)
    download = Client().head(contract.url_for(sheet)).headers
    assert download["Content-Type"] == "application/pdf"
    assert download["Content-Disposition"] == 'attachment; filename="Contract.pdf"'
    addresses = [address, contract.url_for(sheet)]
    stored_privately = [name for name in files_of_row(sheet) if name.startswith("private/")]
    assert len(stored_privately) == 3
    never = [f"{address}?size=7", f"{address}?size=", *map(default_storage.url, stored_privately)]
    assert {fetch(url)[0] for url in never} == {404}
    Sheet.objects.update(is_open=False)
    assert {fetch(url)[0] for url in addresses} == {404}


@pytest.mark.parametrize(
    "delete",
    [
        lambda sheet: sheet.delete(),
        lambda sheet: Sheet.objects.filter(pk=sheet.pk).delete(),
        lambda sheet: sheet.shelf.delete(),
        lambda sheet: Shelf.objects.filter(pk=sheet.shelf_id).delete(),
    ],
    ids=["row", "rows", "cascade", "cascade of rows"],
)
def test_files_are_deleted_with_the_row(sheet: Sheet, delete: Callable[[Sheet], object]) -> None:
    kept = make_sheet(Shelf.objects.create())
    before = stored()
    with suppress(ZeroDivisionError), transaction.atomic():
        delete(Sheet.objects.get(pk=sheet.pk))
        1 / 0  # noqa: B018
    assert stored() == before
    delete(sheet)
    assert stored() == {*files_of_row(kept), kept.note, sheet.note}


def test_the_files_of_a_former_value_are_deleted_once_it_is_replaced(sheet: Sheet) -> None:
    former = {name for name in files_of_row(sheet) if not name.startswith("private/contracts/")}
    with suppress(ZeroDivisionError), transaction.atomic():
        Sheet.leaflet.field.replace_value(sheet.pk, "")
        1 / 0  # noqa: B018
    assert former <= stored()
    picture = Sheet.poster.field.store_picture(Image.new("RGB", (90, 90), "red")).value
    Sheet.objects.update(is_open=False)
    Sheet.poster.field.replace_value(sheet.pk, picture)
    Sheet.sketch.field.replace_value(sheet.pk, "")
    Sheet.leaflet.field.replace_value(sheet.pk, "")
    now = Sheet.everything.get()
    assert (now.poster, now.sketch, now.leaflet, now.contract) == (picture, "", "", sheet.contract)
    assert not former & stored()
    assert stored() == {*files_of_row(now), sheet.note}


def test_files_of_rows_are_not_unreferenced(sheet: Sheet) -> None:
    Sheet.objects.update(is_open=False)
    assert not Sheet.objects.exists()
    lost = {Sheet.contract.field.store_file(b"half", "pdf"), *_lost_picture()}
    unnamed = {
        found.name
        for found in unreferenced_files.find_unreferenced_files(timezone.now() + timedelta(hours=1))
    }
    assert unnamed == {*lost, sheet.note}
    assert unreferenced_files.has_referenced_files()
    age(days=2)
    call_command("tidy_uploads", "--delete", stdout=io.StringIO())
    assert stored() == set(files_of_row(sheet))


def age(days: float) -> None:
    """All that is stored was stored so long ago."""
    then = timezone.now().timestamp() - days * 86_400
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        os.utime(path, (then, then))


def _lost_picture() -> list[str]:
    field = Sheet.poster.field
    return field.files_of(field.store_picture(Image.new("RGB", (9, 9))).value)


def test_a_private_file_that_lies_in_public_is_moved(sheet: Sheet) -> None:
    public = sheet.sketch.removeprefix("private/")
    for name in Sheet.sketch.field.files_of(sheet.sketch):
        default_storage.save(name.removeprefix("private/"), ContentFile(b"RIFF"))
    Sheet.objects.update(sketch=public, is_open=False)
    assert {(row.field, row.value) for row in exposed_files.find_exposed_rows()} == {
        (Sheet.sketch.field, public)
    }
    call_command("tidy_uploads", "--delete", stdout=io.StringIO())
    assert Sheet.everything.get().sketch == sheet.sketch
    assert not {f"{public}-{size}.webp" for size in (64, 32)} & stored()


def test_to_migrations_it_is_a_text_and_a_copy_knows_the_files() -> None:
    field = Sheet.sketch.field
    _name, path, _arguments, options = field.deconstruct()
    assert (path, options) == ("django.db.models.CharField", {"max_length": 120, "editable": False})
    copy = field.clone()
    assert (type(copy), copy.file_options()) == (PictureField, field.file_options())
    assert copy.files_of("private/a/b") == ["private/a/b-64.webp", "private/a/b-32.webp"]


def test_a_column_that_could_not_be_served_or_found_is_refused() -> None:
    refused: list[dict[str, Any]] = [
        {"private": True},
        {"view": "filing:contract"},
        {"folder": "private"},
        {"folder": "my-files"},
        {"null": True},
    ]
    for options in refused:
        with pytest.raises(ValueError, match=r"a private file|a folder|a column"):
            StoredFileField(**{"folder": "contracts", **options})
