"""core.files.storage: random names, and deletion after the last reference is gone."""

import re

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from core.files import storage
from tests.cases import all_cases

from .broken_disk import on_a_broken_disk

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_name_is_free_of_words_and_never_the_same() -> None:
    names = {storage.new_name("photos", "webp") for _number in range(200)}
    assert len(names) == 200
    for name in names:
        folder, start, key = re.fullmatch(r"(photos)/([0-9a-f]{2})/([0-9a-f]{32})\.webp", name).groups()  # type: ignore[union-attr]
        assert (folder, key[:2]) == ("photos", start)


def test_what_is_stored_is_there_byte_for_byte() -> None:
    name = storage.store_file(storage.new_name("files", "bin"), b"\x00\xffdata")
    with default_storage.open(name) as file:
        assert file.read() == b"\x00\xffdata"


def test_files_go_after_the_commit_and_not_before() -> None:
    with all_cases() as case:
        for what, is_rolled_back in [("after a commit", False), ("never after a rollback", True)]:
            with case(what):
                name = storage.store_file(storage.new_name("files", "bin"), b"x")
                with transaction.atomic():
                    storage.delete_on_commit(name)
                    assert default_storage.exists(name)
                    transaction.set_rollback(is_rolled_back)
                assert default_storage.exists(name) is is_rolled_back
        with case("several together, of which one has gone"):
            names = [storage.store_file(storage.new_name("files", "bin"), b"x") for _number in range(3)]
            default_storage.delete(names[0])
            storage.delete_on_commit(*names, "")
            assert not any(default_storage.exists(name) for name in names)


def test_a_file_that_cannot_be_deleted_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = []
    with on_a_broken_disk:
        names = [storage.store_file(f"files/{word}.bin", b"x") for word in ("broken", "sound")]
        with transaction.atomic():
            storage.delete_on_commit(*names)
            transaction.on_commit(lambda: done.append("the next one"))
        assert [default_storage.exists(name) for name in names] == [True, False]
    assert done == ["the next one"]
    assert [line.message for line in caplog.records] == ["an upload could not be deleted"]
