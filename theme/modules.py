"""Which modules a script imports, so that a page can ask for all of them at once."""

import posixpath
import re
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

_IMPORT = re.compile(r"""^(?:import|export)\b[^"';=]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


class MissingModuleError(LookupError):
    """A script that is not among the static files."""


@cache
def imported_modules(script: str) -> tuple[str, ...]:
    """Return the static files that `script` imports, and what those import, in the order in which they are needed.

    `script` is a path such as "theme/js/app.js". Raises MissingModuleError when it or one of them does not exist.
    """
    found: dict[str, None] = {}
    waiting = [script]
    while waiting:
        name = waiting.pop(0)
        path = finders.find(name)
        if path is None:
            raise MissingModuleError(f"There is no script {name!r} among the static files.")
        folder = posixpath.dirname(name)
        for imported in _IMPORT.findall(Path(path).read_text(encoding="utf-8")):
            target = posixpath.normpath(posixpath.join(folder, imported))
            if target != script and target not in found:
                found[target] = None
                waiting.append(target)
    return tuple(found)
