"""All benches in one command: `python -m bench` (`make bench`), with one table in docs/performance.md and a plot.

Pages (bench.feed), Lighthouse (bench.lighthouse), messages and sockets (bench.ws), one after the other.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from scripts.programs import ROOT

RESULTS = ROOT / "test-results"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "pictures" / "performance.svg"
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.DOTALL)
# Milliseconds of CPU that a page may take.
BAR = 5.0


def pages_table(found: Mapping[str, Any]) -> str:
    """Return what bench.feed measured as a table in Markdown."""
    lines = [
        f"Pages: {found['conditions']}.",
        "",
        "| page | CPU ms | requests/s | p50 ms | p99 ms | HTML | wire |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, row in found["pages"].items():
        lines.append(
            f"| {name} | {row['cpu']:.1f} | {row['rate']:.0f} | {row['p50']:.0f} | {row['p99']:.0f} | {row['html']:,} "
            f"| {row['wire']:,} |"
        )
    return "\n".join([*lines, ""])


def lighthouse_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return what bench.lighthouse measured as a table in Markdown."""
    names = list(next(iter(found.values())))
    lines = [f"| Lighthouse | {' | '.join(names)} |", f"| --- | {' | '.join('--:' for _name in names)} |"]
    lines += [
        f"| {page} | {' | '.join(f'{value:.3g}' if value < 1 else f'{value:.0f}' for value in row.values())} |"
        for page, row in found.items()
    ]
    return "\n".join([*lines, ""])


def messages_table(found: Mapping[str, Any]) -> str:
    """Return what bench.ws measured as a table in Markdown."""
    lines = [f"Messages: {'; '.join(found['conditions'])}.", ""]
    lines += ["| layer | step | what | figure |", "| --- | --- | --- | --: |"]
    lines += [
        f"| {layer} | {row['step']} | {row['name']} | {row['value']:,.1f} {row['unit']} |"
        for layer, rows in found["figures"].items()
        for row in rows
    ]
    return "\n".join([*lines, ""])


def plot(pages: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG: a bar for the CPU time of each page, and a line at what it may take."""
    scale, height, left = 60, 26, 220
    bars = []
    for at, (name, row) in enumerate(pages.items()):
        top = at * height + 8
        bars.append(
            f'<text x="{left - 8}" y="{top + 13}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{top}" width="{row["cpu"] * scale:.0f}" height="18" fill="#0c655c"/>'
            f'<text x="{left + row["cpu"] * scale + 6:.0f}" y="{top + 13}">{row["cpu"]:.1f} ms</text>'
        )
    bottom, bar = len(pages) * height + 8, left + BAR * scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{bottom + 8}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="#fff"/>{"".join(bars)}'
        f'<line x1="{bar}" x2="{bar}" y1="0" y2="{bottom}" stroke="#b0241c" stroke-dasharray="4"/></svg>\n'
    )


def write_page() -> None:
    """Put the newest results of all benches into docs/performance.md."""
    tables = {"bench-feed": pages_table, "lighthouse": lighthouse_table, "bench-ws": messages_table}
    parts = []
    for name, table in tables.items():
        file = RESULTS / f"{name}.json"
        if file.is_file():
            found = json.loads(file.read_text())
            parts.append(table(found))
            if name == "bench-feed":
                PLOT.write_text(plot(found["pages"]))
    text = PAGE.read_text()
    PAGE.write_text(FIGURES.sub(lambda _found: "\n".join(parts), text))


def main(arguments: list[str]) -> int:
    """Run the benches and write the page; 1 when a figure misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--minutes", default="1", help="how long messages are sent (1)")
    parser.add_argument(
        "--only-write", action="store_true", help="run nothing, write the results that there are"
    )
    options = parser.parse_args(arguments)
    status = 0
    if not options.only_write:
        for module, *rest in (
            ["bench.feed"],
            ["bench.lighthouse"],
            ["bench.ws", "--minutes", options.minutes],
        ):
            status |= subprocess.run([sys.executable, "-m", module, *rest], cwd=ROOT, check=False).returncode  # noqa: S603
    write_page()
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
