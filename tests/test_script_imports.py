"""Every name that a script imports is exported where it says: a browser would stop the whole page otherwise."""

import re
from pathlib import Path

from scripts.programs import ROOT

EXPORTED = re.compile(r"^export (?:async )?(?:const|let|function|class) (\w+)", re.MULTILINE)
PASSED_ON = re.compile(r"^export \{([^}]*)\} from", re.MULTILINE)
NAMED = re.compile(r"""^import \{([^}]*)\} from "([^"]+)";""", re.MULTILINE)
WHOLE = re.compile(r"""^import \* as (\w+) from "([^"]+)";""", re.MULTILINE)


def scripts() -> dict[str, Path]:
    """The scripts of all apps by their path below the folder of static files."""
    folders = ROOT.glob("*/static")
    return {str(path.relative_to(folder)): path for folder in folders for path in folder.rglob("*.js")}


def exports_of(source: str) -> set[str]:
    passed_on = {name.split()[-1] for names in PASSED_ON.findall(source) for name in names.split(",")}
    return {*EXPORTED.findall(source), *passed_on}


def target_of(importer: str, path: str) -> str:
    """The name of the imported script below the folder of static files."""
    parts = list(Path(importer).parent.parts)
    for part in Path(path).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_every_imported_name_is_exported() -> None:
    paths = scripts()
    sources = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    exports = {name: exports_of(source) for name, source in sources.items()}
    missing = []
    for name, source in sources.items():
        wanted = [
            (path, each.split(" as ")[0].strip())
            for names, path in NAMED.findall(source)
            for each in names.split(",")
        ]
        for alias, path in WHOLE.findall(source):
            code = re.sub(r'"[^"\n]*"|//.*', "", source)
            wanted += [(path, each) for each in re.findall(rf"(?<![\w.]){alias}\.(\w+)", code)]
        missing += [
            f"{name}: {each} of {path}"
            for path, each in wanted
            if each not in exports.get(target_of(name, path), set())
        ]
    assert sum(len(NAMED.findall(source)) for source in sources.values()) > 50
    assert missing == []
