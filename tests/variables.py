"""The environment variables that the code reads, found in the code itself."""

import ast

from professional_network.env import Environment
from scripts.programs import ROOT

READERS = {
    name for name, member in vars(Environment).items() if callable(member) and not name.startswith("_")
}
# Read by name in a loop: the parts of the database's address.
PARTS = {"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"}


def read_by_the_code() -> set[str]:
    """Every variable that the settings read: the first argument of env.text("…") and its siblings."""
    found = set(PARTS)
    for path in [*ROOT.glob("professional_network/**/*.py"), *ROOT.glob("*.conf.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env"), attr=reader),
                    args=[ast.Constant(value=str(name)), *_],
                ) if reader in READERS:
                    found.add(name)
    return found
