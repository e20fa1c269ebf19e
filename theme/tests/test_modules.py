import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.storage import Storage
from django.template import TemplateSyntaxError

from core.files.static_files import StaticStorage
from scripts.programs import ROOT
from theme.modules import MissingModuleError, imported_modules

from .rendering import render_template

BUNDLES = tuple(settings.SCRIPT_BUNDLES)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> StaticStorage:
    """The storage in which the project's scripts are collected."""
    storage = StaticStorage(location=tmp_path_factory.mktemp("static"), base_url="/static/")
    scripts: dict[str, tuple[Storage, str]] = {}
    for finder in finders.get_finders():
        for name, source in finder.list([]):
            if name.endswith(".js") and "/js/" in name and not name.startswith("admin/"):
                with source.open(name) as file:
                    storage.save(name, file)
                scripts[name] = (storage, name)
    failures = [done for _name, _new, done in storage.post_process(scripts) if isinstance(done, Exception)]
    assert failures == []
    return storage


def test_every_script_names_modules_that_exist() -> None:
    scripts = [path for path in ROOT.glob("*/static/**/*.js") if "/js/" in str(path)]
    assert len(scripts) > 40
    for path in scripts:
        name = str(path).partition("/static/")[2]
        imported = imported_modules(name)
        assert name not in imported
        assert len(imported) >= len(set(re.findall(r'(?:from|import) "\./([^"]+)"', path.read_text())))


def test_a_missing_module_is_named() -> None:
    with pytest.raises(MissingModuleError, match=r"theme/js/no-such\.js"):
        imported_modules("theme/js/no-such.js")


def test_imports_of_imports_are_asked_for_once_and_before_the_script() -> None:
    html = render_template('{% module "core/js/socket.js" "notifications/js/notifications.js" %}')
    assert html.count("modulepreload") == len(set(re.findall(r'modulepreload" href="([^"]+)', html)))
    assert "core/js/typed-events.js" in html
    assert html.index("modulepreload") < html.index("<script")


def test_a_script_without_a_bundle_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match=r"SCRIPT_BUNDLES has no bundle with theme/js/toasts\.js"):
        render_template('{% module "theme/js/toasts.js" %}')


def test_every_script_of_a_template_has_a_bundle() -> None:
    bundled = {script for scripts in settings.SCRIPT_BUNDLES.values() for script in scripts}
    used = {
        script
        for path in ROOT.glob("*/templates/**/*.html")
        for tag in re.findall(r"{% module ([^%]+) %}", path.read_text())
        for script in re.findall(r'"([^"]+)"', tag)
    }
    assert used == bundled


def test_collected_scripts_are_bundles_which_contain_each_module_once(collected: StaticStorage) -> None:
    texts = {
        name: Path(collected.path(collected.stored_name(f"bundles/{name}.js"))).read_text()
        for name in BUNDLES
    }
    defined = [name for text in texts.values() for name in re.findall(r"\bconst (\$\w+)=\(\(\)=>", text)]
    assert len(defined) == len(set(defined)) > 40
    for name, text in texts.items():
        assert not re.search(r"^\s*(//|/\*\*)", text, re.MULTILINE), name
        imported = re.findall(r'from "\./([^"]+)"', text)
        assert all(collected.exists(f"bundles/{path}") and len(path.split(".")) == 3 for path in imported), (
            name
        )
    assert 'from "./member.' in texts["conversation"]


def test_a_page_runs_each_bundle_once_where_files_are_collected(
    collected: StaticStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("theme.templatetags.theme.staticfiles_storage", collected)
    html = render_template('{% module "core/js/socket.js" "notifications/js/notifications.js" %}')
    assert re.findall(r'src="([^"]+)"', html) == ["/static/bundles/member.js"]
    assert "modulepreload" not in html
