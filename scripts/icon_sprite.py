"""Builds theme/static/theme/icons.svg from theme/icons: one symbol for each icon. `make css` calls this."""

import re
import sys
from pathlib import Path

from .programs import ROOT

ICONS = ROOT / "theme" / "icons"
SPRITE = ROOT / "theme" / "static" / "theme" / "icons.svg"
# Colour and width of the strokes are in theme/assets/base.css (.icon): a symbol inherits them from the page.
ICON = re.compile(
    r'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"[^>]*>(?P<shapes>.*)</svg>\s*', re.DOTALL
)


def build_sprite(icons: Path = ICONS) -> str:
    """Return the SVG that pages refer to as `icons.svg#<name>`. Raises ValueError for a file of another form."""
    symbols = []
    for path in sorted(icons.glob("*.svg")):
        found = ICON.fullmatch(path.read_text(encoding="utf-8"))
        if found is None:
            raise ValueError(f"{path.name} is no icon with the view box 0 0 24 24.")
        symbols.append(f'<symbol id="{path.stem}" viewBox="0 0 24 24">{found["shapes"]}</symbol>\n')
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        if not SPRITE.is_file() or SPRITE.read_text(encoding="utf-8") != build_sprite():
            sys.exit(f"{SPRITE.name} is not what theme/icons gives. Run: make css")
    else:
        SPRITE.write_text(build_sprite(), encoding="utf-8")
