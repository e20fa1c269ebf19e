"""core.files.storage: random names, and deletion after the last reference is gone."""

import gzip
import re
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from core.files import storage
from scripts.programs import ROOT
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


def test_static_files_with_equal_content_are_compressed_once(tmp_path: Path) -> None:
    compressor = storage.StaticStorage().create_compressor(quiet=True)
    content = b"let answer = 42;\n" * 100
    names = ("app.js", "app.0123456789ab.js")
    for name in names:
        (tmp_path / name).write_bytes(content)
        compressor.compress(str(tmp_path / name))
    packed = {gzip.decompress((tmp_path / f"{name}.gz").read_bytes()) for name in names}
    assert packed == {content}
    assert len({(tmp_path / f"{name}.br").read_bytes() for name in names}) == 1
    assert compressor.compress_brotli.cache_info().misses == 1
    assert compressor.compress_gzip.cache_info().misses == 1


def test_modules_that_import_each_other_get_their_names_in_whatever_order_the_disk_lists_them(
    tmp_path: Path,
) -> None:
    """The longest chain of our own scripts, each listed before the module that it imports."""
    scripts = [*Path().glob("*/static/*/js/*.js")]
    imported = {
        path.resolve(): {
            (path.parent / found).resolve() for found in re.findall(r'from "(\.[^"]+)"', path.read_text())
        }
        for path in scripts
    }

    def depth(path: Path, above: tuple[Path, ...] = ()) -> int:
        inner = [one for one in imported.get(path, ()) if one not in above]
        return 1 + max((depth(one, (*above, path)) for one in inner), default=0)

    longest = max(map(depth, imported))
    names = [f"core/{number}.js" for number in range(longest)]
    files = storage.StaticStorage(location=tmp_path, base_url="/static/")
    for name, following in zip(names, [*names[1:], None], strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'import {{ a }} from "./{Path(following).name}";' if following else "")
    done = list(files.post_process({name: (files, name) for name in names}))
    assert [name for name, _new, processed in done if isinstance(processed, Exception)] == []
    assert longest > 5, "Django gives up after five passes"


def test_our_modules_are_sent_without_comments_and_still_import_each_other(tmp_path: Path) -> None:
    files = storage.StaticStorage(location=tmp_path, base_url="/static/")
    modules = [
        (path, path.relative_to(folder))
        for folder in ROOT.glob("*/static")
        for path in folder.glob("*/js/**/*.js")
    ]
    assert len(modules) > 50
    with all_cases() as case:
        for path, name in modules:
            with case(name):
                source = path.read_text()
                files.save(str(name), File(BytesIO(source.encode())))
                sent = (tmp_path / name).read_text()
                assert not re.search(r"^\s*(//|/\*\*)", sent, re.MULTILINE)
                assert find_imports(sent) == find_imports(source)
                assert len(re.findall(r"\bexport\b", sent)) == len(
                    re.findall(r"^export\b", source, re.MULTILINE)
                )
        with case("other files"):
            files.save("admin/js/other.js", File(BytesIO(b"// A comment\nlet a  = 1;\n")))
            assert (tmp_path / "admin/js/other.js").read_text() == "// A comment\nlet a  = 1;\n"


def find_imports(script: str) -> list[str]:
    """The addresses of modules, as Django replaces them when it collects static files."""
    patterns = [re.compile(pattern) for pattern, _template in storage.MODULE_IMPORTS]
    return sorted(found["url"] for pattern in patterns for found in pattern.finditer(script))
