"""The page that shows every part in every state."""

import pytest

from .browser import DARK, DESKTOP, LIGHT, PHONE, Visitors, picture
from .journey import look


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_every_part_is_whole_and_accessible(
    visitors: Visitors, viewport: tuple[int, int], scheme: str
) -> None:
    page = visitors(viewport=viewport, color_scheme=DARK if scheme == DARK else LIGHT)
    page.goto("/theme/")
    name = f"theme-{viewport[0]}-{scheme}"
    picture(page, name)
    # Toasts lie over the page until they go; what is under them is looked at alone.
    page.evaluate("document.querySelectorAll('[data-toast]').forEach((toast) => toast.remove())")
    look(page, f"{name}-without-toasts")
