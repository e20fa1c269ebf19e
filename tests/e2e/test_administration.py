"""Django's administration works under our content security policy: nothing on its pages is refused by the browser."""

import pytest
from playwright.sync_api import Page, expect

from .browser import Visitors
from .journey import PASSWORD
from .site import Site

MAKE_PEOPLE = f"""
from django.utils import timezone
from feed.services import publish_post
from users.models import User
if not User.objects.filter(username="stella").exists():
    User.objects.create_superuser("stella", "stella@example.org", {PASSWORD!r})
    author = User.objects.create_user("author", "author@example.org", {PASSWORD!r}, joined_at=timezone.now())
    publish_post(author=author, text="Looked at by staff")
"""
LISTS = [
    "users/user",
    "feed/post",
    "notifications/preference",
    "users/skill",
    "auth/group",
]


@pytest.fixture
def staff(site: Site, visitors: Visitors, page: Page) -> Page:
    """A member of the staff, who was led from the administration to the sign-in of all members and back."""
    # Django's pages name no icon, so the browser looks for one by itself.
    visitors.complaints.allow("favicon.ico", r"/admin/: Failed to load resource.*404")
    site.manage("shell", "--command", MAKE_PEOPLE)
    page.goto("/admin/")
    page.get_by_label("Username or e-mail address").fill("stella")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    # Where an account is changed, the password is asked for once more.
    page.goto("/accounts/reauthenticate/?next=/admin/")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    return page


@pytest.mark.parametrize("where", LISTS)
def test_lists_and_new_rows_break_no_rule_of_the_policy(staff: Page, where: str) -> None:
    staff.goto(f"/admin/{where}/")
    staff.goto(f"/admin/{where}/add/")
    expect(staff.get_by_role("button", name="Save", exact=True)).to_be_visible()


@pytest.mark.parametrize("where", ["users/user", "feed/post"])
def test_a_row_is_found_opened_and_saved(staff: Page, where: str) -> None:
    """The `visitors` fixture fails on every violation, script error and refused request."""
    staff.goto(f"/admin/{where}/?q=author")
    staff.locator("#result_list tbody th a").first.click()
    expect(staff.locator("form")).not_to_have_count(0)
    staff.get_by_role("button", name="Save", exact=True).click()
    expect(staff.get_by_text("was changed successfully")).to_be_visible()


def test_scripts_of_the_administration_run(staff: Page) -> None:
    """Shortcuts of a date field, and the window in which a row is chosen, are made by scripts."""
    staff.goto("/admin/feed/post/add/")
    with staff.expect_popup() as opened:
        staff.locator("#lookup_id_author").click()
    opened.value.get_by_role("link", name="author", exact=True).click()
    expect(staff.locator("#id_author")).not_to_have_value("")
    staff.goto("/admin/users/user/")
    staff.locator("#result_list tbody th a").first.click()
    expect(staff.get_by_role("link", name="Today").first).to_be_visible()
