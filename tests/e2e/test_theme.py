"""The page that shows every part in every state."""

import pytest

from .browser import DARK, DESKTOP, LIGHT, PHONE, Visitors, picture
from .journey import look


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_every_part_is_whole_and_accessible(visitors: Visitors, viewport: tuple[int, int]) -> None:
    page = visitors(viewport=viewport)
    page.goto("/theme/")
    for scheme in (DARK, LIGHT):
        page.emulate_media(color_scheme=scheme)
        picture(page, f"theme-{viewport[0]}-{scheme}")
    # Toasts lie over the page until they go; what is under them is looked at alone, in both schemes.
    page.evaluate("document.querySelectorAll('[data-toast]').forEach((toast) => toast.remove())")
    look(page, f"theme-{viewport[0]}-without-toasts")
