"""What a member does in the browser, step by step, so that each journey reads like its story."""

import io
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page, expect

from .browser import check_axe, picture
from .mailbox import Mailbox, link_in

PASSWORD = "tangerine-lantern-cobalt"


def photo(color: str, size: tuple[int, int] = (1200, 900)) -> FilePayload:
    """A JPEG as a phone would send it."""
    image = Image.new("RGB", size, color)
    ImageDraw.Draw(image).ellipse(
        (size[0] // 3, size[1] // 4, size[0] * 2 // 3, size[1] * 3 // 4), fill="white"
    )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return {"name": f"{color}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def look(page: Page, name: str) -> None:
    """Whatever this page is, axe finds nothing on it, nothing is wider than the screen, and a picture is kept."""
    viewport: Any = page.viewport_size
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], f"{name} is too wide"
    check_axe(page)
    picture(page, name)


def join(page: Page, mailbox: Mailbox, *, username: str, name: str, looks: bool = False) -> None:
    """Sign up, confirm by the mail, sign in."""
    page.goto("/")
    if looks:
        look(page, "welcome")
    page.get_by_role("banner").get_by_role("link", name="Join").click()
    if looks:
        look(page, "sign-up")
    page.get_by_label("Full name").fill(name)
    page.get_by_label("Username").fill(username)
    page.get_by_label("E-mail address").fill(f"{username}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your e-mail")
    if looks:
        look(page, "look-into-your-mail")
    page.goto(link_in(mailbox.wait_for(f"{username}@example.org", subject="welcome"), "/confirm-email/"))
    if looks:
        look(page, "confirm-address")
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, username)


def sign_in(page: Page, username: str) -> None:
    """Sign in by name."""
    page.goto("/accounts/login/")
    page.get_by_label("Username or e-mail address").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("form", name="Write a post")).to_be_visible()


def fill_profile(page: Page) -> None:
    """Headline, about, a position, a skill, a photo."""
    page.goto("/settings/profile/")
    page.get_by_label("Headline").fill("Structural engineer, bridges")
    page.get_by_label("Location").fill("Porto, Portugal")
    page.get_by_label("About").fill("I keep **old bridges** standing.")
    look(page, "settings-profile")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Profile saved.")).to_be_visible()

    page.goto("/settings/photo/")
    page.get_by_label("New photo").set_input_files(photo("teal"))
    look(page, "settings-photo")
    page.get_by_role("button", name="Save photo").click()
    expect(page.get_by_text("Photo saved.")).to_be_visible()
    assert (
        page.locator("main .avatar img").first.evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
        == 512
    )

    page.goto("/settings/experience/")
    page.get_by_label("Title").fill("Bridge engineer")
    page.get_by_label("Employer").fill("Harbour Works")
    page.get_by_label("Month").first.select_option("March")
    page.get_by_label("Year").first.fill("2019")
    look(page, "settings-experience")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Added to your profile.")).to_be_visible()
