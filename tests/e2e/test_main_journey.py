"""The main job of the product, done by two people in real browsers."""

import re

from playwright.sync_api import FilePayload, Page, expect

from .browser import PHONE, Visitors, picture
from .journey import PASSWORD, fill_profile, join, look, photo, sign_in
from .mailbox import Mailbox, text_of


def test_two_people_join_connect_and_talk(visitors: Visitors, mailbox: Mailbox) -> None:
    ada, ben = visitors(), visitors()
    join(ada, mailbox, username="ada", name="Ada Okafor", looks=True)
    look(ada, "home-empty")
    fill_profile(ada)
    join(ben, mailbox, username="ben", name="Ben Šimek")

    invite(ada)
    accept(ben)
    publish(ben)
    comment_and_react(ada)

    ben.reload()
    expect(ben.get_by_text("1 comment")).to_be_visible()
    look(ben, "home")


def invite(ada: Page) -> None:
    ada.get_by_role("navigation", name="Main").get_by_role("link", name="People").click()
    look(ada, "directory")
    ada.get_by_role("link", name="Ben Šimek").first.click()
    look(ada, "member-stranger")
    ada.get_by_role("link", name="Connect").click()
    dialog = ada.get_by_role("dialog")
    dialog.get_by_label("Note").fill("We met at the harbour works.")
    look(ada, "invite")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(ada.get_by_text("Invitation sent", exact=True)).to_be_visible()


def accept(ben: Page) -> None:
    ben.get_by_role("navigation", name="Main").get_by_role("link", name="Network").click()
    expect(ben.get_by_text("We met at the harbour works.")).to_be_visible()
    look(ben, "network")
    ben.get_by_role("button", name="Accept the invitation of Ada Okafor").click()
    expect(ben.get_by_text("Connected", exact=True)).to_be_visible()
    ben.get_by_role("link", name="Ada Okafor").first.click()
    expect(ben.get_by_role("heading", name="Experience")).to_be_visible()
    expect(ben.get_by_text("Harbour Works")).to_be_visible()
    look(ben, "member-connection")


def publish(ben: Page) -> None:
    ben.goto("/")
    compose = ben.get_by_role("form", name="Write a post")
    compose.get_by_label("What do you want to say?").fill("The #bridge is open. Thank you, @ada")
    compose.locator("input[name=images]").set_input_files([photo("navy"), photo("orange")])
    compose.get_by_label("Describe").first.fill("The bridge at noon")
    look(ben, "composing")
    compose.get_by_role("button", name="Post").click()
    post = ben.get_by_role("article", name="Post by Ben Šimek")
    expect(post).to_be_visible()
    expect(post.get_by_role("img", name="The bridge at noon")).to_be_visible()
    expect(compose.get_by_label("What do you want to say?")).to_have_value("")


def comment_and_react(ada: Page) -> None:
    ada.goto("/")
    post = ada.get_by_role("article", name="Post by Ben Šimek")
    expect(post.get_by_role("link", name="@ada")).to_be_visible()
    post.get_by_role("button", name="Like", exact=True).click()
    expect(post.get_by_role("button", name="Like", exact=True)).to_have_attribute("aria-pressed", "true")
    post.get_by_role("link", name="Comment").click()
    ada.get_by_label("Your comment").fill("It looks splendid.")
    ada.get_by_role("button", name="Comment", exact=True).click()
    expect(ada.get_by_text("It looks splendid.")).to_be_visible()
    look(ada, "home-with-comments")
    post.get_by_role("link", name=re.compile("ago|now")).first.click()
    expect(ada.get_by_role("heading", name="Comments")).to_be_visible()
    look(ada, "post")


def test_what_was_typed_survives_a_refusal(visitors: Visitors, mailbox: Mailbox) -> None:
    page = visitors()
    visitors.complaints.allow("422")
    join(page, mailbox, username="cleo", name="Cleo Brandt")
    compose = page.get_by_role("form", name="Write a post")
    compose.get_by_label("What do you want to say?").fill("Kept words")
    fake: FilePayload = {"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"<svg onload=alert(1)>"}
    compose.locator("input[name=images]").set_input_files(fake)
    compose.get_by_role("button", name="Post").click()
    expect(compose.get_by_text("not a picture that LinkUp can read")).to_be_visible()
    expect(compose.get_by_label("What do you want to say?")).to_have_value("Kept words")
    page.reload()
    expect(page.get_by_label("What do you want to say?")).to_have_value("Kept words")


def test_reading_and_writing_work_without_scripts(visitors: Visitors, mailbox: Mailbox) -> None:
    page = visitors(javascript=False)
    join(page, mailbox, username="dora", name="Dora Lindqvist")
    page.get_by_label("What do you want to say?").fill("Plain words")
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_text("Post published.")).to_be_visible()
    post = page.get_by_role("article", name="Post by Dora Lindqvist")
    post.get_by_role("button", name="Like", exact=True).click()
    expect(post.get_by_role("button", name="Like", exact=True)).to_have_attribute("aria-pressed", "true")
    post.get_by_role("link", name="Comment").click()
    page.get_by_label("Your comment").fill("Said without scripts")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Said without scripts")).to_be_visible()


def test_the_same_pages_fit_a_phone(visitors: Visitors, mailbox: Mailbox) -> None:
    join(visitors(), mailbox, username="emil", name="Emil Ångström")
    page = visitors(viewport=PHONE)
    sign_in(page, "emil")
    paths = [
        "/",
        "/network/",
        "/members/",
        "/members/emil/",
        "/settings/profile/",
        "/settings/privacy/",
        "/saved/",
    ]
    for path in paths:
        page.goto(path)
        look(page, f"phone{path.replace('/', '-').rstrip('-')}")
    page.emulate_media(media="print")
    page.goto("/members/emil/")
    picture(page, "print-member")


def test_signing_out_and_choosing_a_new_password(visitors: Visitors, mailbox: Mailbox) -> None:
    page = visitors()
    join(page, mailbox, username="fay", name="Fay Moreau")
    page.locator("summary").filter(has_text="Me, menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Join")).to_be_visible()
    page.goto("/accounts/password/reset/")
    page.get_by_label("E-mail address").fill("fay@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your e-mail")
    message = mailbox.wait_for("fay@example.org", subject="new password")
    page.goto(re.findall(r"http\S+/password/reset/key/\S+", text_of(message))[0])
    page.get_by_label("New Password", exact=False).first.fill(PASSWORD + "-2")
    if page.get_by_label("again", exact=False).count():
        page.get_by_label("again", exact=False).fill(PASSWORD + "-2")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
