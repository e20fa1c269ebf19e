import re

import pytest

from scripts.programs import ROOT
from theme.modules import MissingModuleError, imported_modules

from .rendering import render_template


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


def test_a_module_that_is_imported_later_is_asked_for_at_once() -> None:
    html = render_template('{% module "messaging/js/messages.js" later="messaging/js/conversation.js" %}')
    assert 'modulepreload" href="/static/messaging/js/conversation.js"' in html
    assert 'script src="/static/messaging/js/conversation.js"' not in html
    assert "messaging/js/history.js" in html
