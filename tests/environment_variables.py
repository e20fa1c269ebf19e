"""Finds the environment variables that the code reads, in its syntax trees."""

import ast

from professional_network.env import Environment
from scripts.programs import ROOT

READERS = {
    name for name, member in vars(Environment).items() if callable(member) and not name.startswith("_")
}
# Read in a loop: the parts of the database URL.
PARTS = {"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"}


def find_used_variables() -> set[str]:
    """Return the variables that the settings read: the first arguments of env.text("…") and the like."""
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
