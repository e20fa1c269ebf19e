"""Joins modules of JavaScript into one file, so that a browser asks once and compresses them together.

Each module becomes a function that runs once, in the order in which browsers would run the modules. Only the forms of
import and export that the project uses are understood; anything else is refused when the files are collected.
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Sequence

from rjsmin import jsmin

_PATH = r'"(?P<path>\.{1,2}/[^"]+)";$'
_IMPORT = re.compile(
    rf"^import (?:(?:\{{(?P<names>[^}}]*)\}}|\* as (?P<module>\w+)) from )?{_PATH}", re.MULTILINE
)
_REEXPORT = re.compile(rf"^export \{{(?P<names>[^}}]*)\}} from {_PATH}", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|const|class) (?P<name>[\w$]+))", re.MULTILINE)
# `export let` among them: whoever imports it would keep the first value. The last one is a template literal in another:
# rjsmin takes the end of an inner template literal for that of the outer one.
_UNKNOWN = re.compile(
    r"^(?:import|export)\b.*|\bimport\s*\(.*|\bimport\.meta\b.*|^(?:await\b|const .*= await\b).*|\$\{[^}`]*`.*",
    re.MULTILINE,
)


class UnsupportedModuleError(ValueError):
    """A module with a form of import or export that cannot be joined with others, or with a circular import."""


def find_imports(name: str, script: str) -> list[str]:
    """Return the names of the modules that the module `name`, whose text is `script`, imports, in their order."""
    found = sorted([*_IMPORT.finditer(script), *_REEXPORT.finditer(script)], key=lambda match: match.start())
    return [_resolve(name, match["path"]) for match in found]


def list_modules(entries: Sequence[str], read: Callable[[str], str]) -> list[str]:
    """Return `entries` and all that they import, in the order in which browsers run them.

    `read` returns the text of a module. Raises UnsupportedModuleError for a circular import.
    """
    ordered: dict[str, None] = {}

    def visit(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise UnsupportedModuleError(f"{name} imports itself by way of {importers[-1]}.")
        if name not in ordered:
            for imported in find_imports(name, read(name)):
                visit(imported, (*importers, name))
            ordered[name] = None

    for entry in entries:
        visit(entry, ())
    return list(ordered)


def write_bundle(
    entries: Sequence[str], read: Callable[[str], str], *, earlier: Sequence[tuple[str, Collection[str]]] = ()
) -> tuple[str, list[str]]:
    """Return the text of the bundle that runs `entries`, minified, and the names of the modules in it.

    `earlier` has the paths of bundles in the same folder with the modules in each, which are imported from there.
    Raises UnsupportedModuleError for what cannot be joined.
    """
    elsewhere = {module: path for path, modules in earlier for module in modules}
    modules = list_modules(entries, read)
    if len(set(map(_variable, modules))) < len(modules):
        raise UnsupportedModuleError(f"two modules of {entries[0]} differ only in signs.")
    own = [module for module in modules if module not in elsewhere]
    needed: dict[str, dict[str, None]] = {}
    for module in own:
        for imported in find_imports(module, read(module)):
            if imported in elsewhere:
                needed.setdefault(elsewhere[imported], {})[_variable(imported)] = None
    lines = [f'import {{ {", ".join(variables)} }} from "./{path}";' for path, variables in needed.items()]
    lines += [_wrap(module, read) for module in own]
    lines.append(f"export {{ {', '.join(map(_variable, own))} }};")
    return jsmin("\n".join(lines)), own


def _wrap(name: str, read: Callable[[str], str]) -> str:
    """Return the module as the constant of its exports."""
    script = read(name)
    for match in (*_IMPORT.finditer(script), *_REEXPORT.finditer(script)):
        source = _resolve(name, match["path"])
        known = dict(_list_exports(source, read(source)))
        for original, _local in _split_names(match["names"] or ""):
            if original not in known:
                raise UnsupportedModuleError(f"{name}: {source} does not export {original}.")
    exported = dict(_list_exports(name, script))
    body = _IMPORT.sub(lambda match: _write_import(name, match), script)
    body = _EXPORT.sub("", _REEXPORT.sub("", body))
    if unknown := _UNKNOWN.search(body):
        raise UnsupportedModuleError(f"{name}: {unknown[0].strip()!r} cannot be joined with other modules.")
    members = ", ".join(f"{key}: {value}" for key, value in exported.items())
    return f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {members} }};\n}})();"


def _list_exports(name: str, script: str) -> Iterator[tuple[str, str]]:
    """Yield the exported names, and the expression for each."""
    for match in _EXPORT.finditer(script):
        yield match["name"], match["name"]
    for match in _REEXPORT.finditer(script):
        for original, exported in _split_names(match["names"]):
            yield exported, f"{_variable(_resolve(name, match['path']))}.{original}"


def _write_import(name: str, match: re.Match[str]) -> str:
    source = _variable(_resolve(name, match["path"]))
    if match["module"]:
        return f"const {match['module']} = {source};"
    if match["names"] is None:
        return ""
    names = ", ".join(f"{original}: {local}" for original, local in _split_names(match["names"]))
    return f"const {{ {names} }} = {source};"


def _split_names(names: str) -> Iterator[tuple[str, str]]:
    """Yield the original and the local name of each part of `a, b as c`."""
    for part in filter(None, map(str.strip, names.split(","))):
        original, _as, local = part.partition(" as ")
        yield original.strip(), (local or original).strip()


def _resolve(importer: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))


def _variable(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.removesuffix(".js"))
