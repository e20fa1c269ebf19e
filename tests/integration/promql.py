"""What the expressions of the dashboard and of the alerts ask for, as far as our own figures go."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts.programs import ROOT

MONITORING = ROOT / "deploy" / "monitoring"
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
FIGURE = re.compile(r"\b(linkup_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
PAIRS = {")": "(", "]": "[", "}": "{"}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    return loaded


def alerts() -> list[dict[str, Any]]:
    return [
        rule
        for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    ]


def expressions() -> Iterator[tuple[str, str]]:
    """All of them, each with the title of its panel or the name of its alert."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in alerts():
        yield rule["alert"], rule["expr"]


def figures(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The figures that `expression` asks for, and the labels by which it picks."""
    for found in FIGURE.finditer(expression):
        yield found[1], set(MATCHER.findall(found[2] or ""))


def is_balanced(expression: str) -> bool:
    """Whether each bracket closes the one that was opened last, outside of texts."""
    opened: list[str] = []
    for letter in TEXT.sub("", expression):
        if letter in PAIRS.values():
            opened.append(letter)
        elif letter in PAIRS and (not opened or opened.pop() != PAIRS[letter]):
            return False
    return not opened


def documented(page: Path) -> set[str]:
    """The figures that the tables of docs/MONITORING.md name in their first column."""
    rows = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `linkup_")]
    return {name for row in rows for name in re.findall(r"linkup_\w+", row)}
