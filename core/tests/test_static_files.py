"""Collected static files: compressed once, scripts joined in bundles."""

import gzip
from pathlib import Path

import pytest

from core.files.script_bundles import UnsupportedModuleError, find_imports, list_modules, write_bundle
from core.files.static_files import StaticStorage
from tests.cases import all_cases

MODULES = {
    "a/js/first.js": 'import { say, LOUD as loud } from "./words.js";\nimport * as all from "../../b/js/other.js";\n'
    "// A comment.\nsay(loud, all.count);\n",
    "a/js/words.js": 'import "./effect.js";\nexport function say(...words) {\n  output.push(...words);\n}\n'
    "export const LOUD = `a\n b`;\nexport class Word {}\nexport async function wait() {}\n",
    "a/js/effect.js": "output.push(1);\n",
    "b/js/other.js": 'export { say as speak } from "../../a/js/words.js";\nexport const count = 2;\n',
}


def test_static_files_with_equal_content_are_compressed_once(tmp_path: Path) -> None:
    compressor = StaticStorage().create_compressor(quiet=True)
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


def test_modules_run_in_the_order_of_their_imports() -> None:
    assert list_modules(["a/js/first.js"], MODULES.__getitem__) == [
        "a/js/effect.js",
        "a/js/words.js",
        "b/js/other.js",
        "a/js/first.js",
    ]
    assert find_imports("b/js/other.js", MODULES["b/js/other.js"]) == ["a/js/words.js"]


def test_a_bundle_contains_what_earlier_ones_do_not() -> None:
    first, modules = write_bundle(["a/js/words.js"], MODULES.__getitem__)
    assert modules == ["a/js/effect.js", "a/js/words.js"]
    assert "return{say:say,LOUD:LOUD,Word:Word,wait:wait};" in first
    assert first.endswith("export{$a_js_effect,$a_js_words};")
    second, own = write_bundle(["a/js/first.js"], MODULES.__getitem__, earlier=[("words.js", modules)])
    assert own == ["b/js/other.js", "a/js/first.js"]
    assert 'import{$a_js_words}from"./words.js";' in second
    assert "const{say:say,LOUD:loud}=$a_js_words;const all=$b_js_other;" in second
    assert "speak:$a_js_words.say" in second
    assert "comment" not in second


def test_a_form_that_cannot_be_joined_is_refused_with_the_module_and_the_line() -> None:
    with all_cases() as case:
        for line in (
            "export let state = 1;",
            "export default 1;",
            "const late = () => import('./x.js');",
            "const here = import.meta.url;",
            "await start();",
            "const found = await start();",
            "const words = `a ${b ? '' : ` ${c}`}`;",
            'import { missing } from "./words.js";',
            'import thing from "./words.js";',
            'import { a } from "htmx";',
        ):
            with case(line), pytest.raises(UnsupportedModuleError, match=r"^a/js/first\.js: "):
                write_bundle(["a/js/first.js"], {**MODULES, "a/js/first.js": line}.__getitem__)
        circle = {**MODULES, "b/js/other.js": 'import "../../a/js/first.js";'}
        with (
            case("a circle"),
            pytest.raises(UnsupportedModuleError, match=r"itself by way of b/js/other\.js"),
        ):
            write_bundle(["a/js/first.js"], circle.__getitem__)


def test_a_bundle_without_one_of_its_modules_is_refused(tmp_path: Path) -> None:
    storage = StaticStorage(location=tmp_path, base_url="/static/")
    with pytest.raises(UnsupportedModuleError, match=r"no module 'theme/js/app\.js' among the static files"):
        list(storage.post_process({}))
