"""What the site holds. Members use its pages as a browser does, so this runs on any version with these addresses."""

import io
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

PASSWORD = "a long sentence of the site before"
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
# Of a message and of a post, each of which may be sent again.
CLIENT_ID = uuid.UUID(int=7)
SUBMISSION_ID = uuid.UUID(int=8)
# A session that is valid whenever the tests run.
LAST_DAY = datetime(2126, 1, 1, tzinfo=UTC)
NAMES = {
    "alice": "Alice Álvarez",
    "bob": "Bob Baker 日本語",
    "carla": "Carla",
    "dan": "Dan",
    "erin": "Erin",
    "fred": "Fred",
    "gina": "Gina",
    "hal": "Hal",
    "ivy": "Ivy",
    "sam": "Sam",
}
CONNECTED = ("bob", "carla", "sam")
SECTIONS = (
    "page",
    "photo",
    "location",
    "open_to_work",
    "about",
    "experience",
    "education",
    "skills",
    "links",
)
# Without rows: allauth stores no confirmations with signed links.
EMPTY = {"account.emailconfirmation"}


def model(label: str) -> Any:
    return apps.get_model(label)


def newest(label: str) -> Any:
    return model(label).objects.latest("pk")


def picture(colour: str, size: tuple[int, int] = (60, 40)) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return SimpleUploadedFile(f"{colour}.png", out.getvalue(), "image/png")


class Browser:
    """A browser in which one member is signed in."""

    def __init__(self, username: str) -> None:
        self.member = model("users.User").objects.get(username=username)
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(self.member)

    def post(self, address: str, **data: Any) -> None:
        """Send a form that must be accepted."""
        response = self.client.post(address, data)
        is_asked_to_sign_in = response.headers.get("Location", "").startswith("/accounts/login/")
        assert response.status_code in {204, 302}, (address, response.status_code, response.content)
        assert not is_asked_to_sign_in, address

    def sign_in(self) -> None:
        """Sign in with the password, into a session that lasts."""
        self.client = Client(SERVER_NAME="localhost")
        self.post("/accounts/login/", login=self.member.username, password=PASSWORD, remember="on")
        key = self.client.session.session_key
        model("sessions.Session").objects.filter(pk=key).update(expire_date=LAST_DAY)


def fill() -> None:
    """Fill the empty, migrated database of the settings, and MEDIA_ROOT."""
    make_members()
    browsers = {name: Browser(name) for name in NAMES}
    make_profile(browsers["alice"])
    make_network(browsers)
    make_posts(browsers)
    make_conversations(browsers)
    choose_notifications(browsers["alice"])
    make_administration()
    model("users.User").objects.filter(username="sam").update(suspended_at=timezone.now())
    model("users.User").objects.filter(username="alice").update(session_generation=1)
    browsers["alice"].sign_in()
    without = {label for label in all_labels() if not model(label).objects.exists()}
    assert without == EMPTY, without


def all_labels() -> Iterable[str]:
    models = apps.get_models(include_auto_created=True)
    return [one._meta.label_lower for one in models if not one._meta.proxy]


def make_members() -> None:
    users = model("users.User").objects
    for username, name in NAMES.items():
        users.create_user(username, f"{username}@example.org", PASSWORD, name=name, joined_at=timezone.now())
    users.create_superuser("mona", "mona@example.org", PASSWORD, name="Mona")
    una = users.create_user("una", "una@example.org", PASSWORD, name="Una")
    model("account.EmailAddress").objects.create(user=una, email=una.email, verified=False, primary=True)


def make_profile(alice: Browser) -> None:
    alice.post(
        "/settings/profile/",
        name=NAMES["alice"],
        headline="Harbour engineer",
        location="Bilbao",
        open_to_work="on",
        about="I build **quays**.",
    )
    alice.post("/settings/photo/", photo=picture("teal", (512, 512)))
    alice.post("/settings/cover/", cover=picture("navy", (1500, 375)))
    job = {"employer": "Quays Ltd", "start_0": "3", "start_1": "2012"}
    alice.post("/settings/experience/", title="Dock master", description="Cranes", **job)
    alice.post("/settings/experience/", title="Apprentice", end_0="2", end_1="2014", **job)
    alice.post("/settings/education/", school="Nautical College", start_year="2001", end_year="2005")
    alice.post("/settings/skills/", name="Welding")
    alice.post("/settings/links/", label="Portfolio", url="https://example.org/alice")
    privacy = {f"{section}_audience": "1" for section in SECTIONS}
    alice.post("/settings/privacy/", presence_audience="1", **{**privacy, "skills_audience": "2"})
    model("users.FormerAddress").objects.create(user=alice.member, email="former@example.org")


def make_network(browsers: dict[str, Browser]) -> None:
    alice = browsers["alice"]

    def accept() -> str:
        return f"/network/invitations/{newest('network.Connection').pk}/accept/"

    for name in CONNECTED:
        alice.post(f"/members/{name}/invite/", note=f"Hello {name}")
        browsers[name].post(accept())
    browsers["bob"].post("/members/carla/invite/")
    browsers["carla"].post(accept())
    browsers["gina"].post("/members/alice/invite/")
    alice.post(accept())
    alice.post("/members/gina/disconnect/")
    alice.post("/members/dan/invite/", note="Shall we connect?")
    browsers["erin"].post("/members/alice/invite/", note="We met at the fair")
    browsers["fred"].post("/members/alice/invite/")
    alice.post(f"/network/invitations/{newest('network.Connection').pk}/ignore/")
    browsers["gina"].post("/members/alice/follow/")
    alice.post("/members/gina/follow/")
    alice.post("/members/hal/block/")


def make_posts(browsers: dict[str, Browser]) -> None:
    alice, bob, carla = (browsers[name] for name in ("alice", "bob", "carla"))
    pictures = {"images": [picture("red"), picture("green")], "image_alt": ["A red crane", ""]}
    alice.post("/posts/", text="The **new quay** opens #harbour @bob", audience="1", **pictures)
    quay = newest("feed.Post")
    alice.post("/posts/", text="First draft", audience="2", submission_id=str(SUBMISSION_ID))
    draft = f"/posts/{newest('feed.Post').pk}/"
    alice.post(f"{draft}edit/", text="Second draft, @carla", audience="2")
    plan = SimpleUploadedFile("plan.pdf", PDF, "application/pdf")
    bob.post("/posts/", text="The plan as a document #harbour #plans", audience="0", document=plan)
    document = newest("feed.Post")
    for name, kind in zip(NAMES, ("", "like", "celebrate", "support", "insightful", "curious"), strict=False):
        if kind:
            browsers[name].post(f"/posts/{quay.pk}/react/", kind=kind)
    alice.post(f"/posts/{document.pk}/react/", kind="like")
    alice.post(f"/posts/{document.pk}/save/")
    make_comments(quay.pk, alice, bob, carla)
    bob.post(f"/posts/{quay.pk}/repost/", text="", audience="1")
    carla.post(f"/posts/{quay.pk}/repost/", text="Worth a visit, @alice", audience="1")
    carla.post("/posts/", text="To be deleted", audience="1")
    carla.post(f"/posts/{newest('feed.Post').pk}/delete/")
    carla.post("/posts/", text="A hidden post", audience="1")
    model("feed.Post").objects.filter(pk=newest("feed.Post").pk).update(hidden_at=timezone.now())


def make_comments(post: int, alice: Browser, bob: Browser, carla: Browser) -> None:
    bob.post(f"/posts/{post}/comment/", text="Congratulations")
    first = newest("feed.Comment").pk
    bob.post(f"/comments/{first}/edit/", text="Congratulations to all")
    alice.post(f"/posts/{post}/comment/", text="Thank you", parent=first)
    carla.post(f"/posts/{post}/comment/", text="And from me, @alice", parent=first)
    carla.post(f"/posts/{post}/comment/", text="Deleted, with a reply")
    deleted = newest("feed.Comment").pk
    bob.post(f"/posts/{post}/comment/", text="A reply that stays", parent=deleted)
    carla.post(f"/comments/{deleted}/delete/")
    bob.post(f"/posts/{post}/comment/", text="A hidden comment")
    model("feed.Comment").objects.filter(pk=newest("feed.Comment").pk).update(hidden_at=timezone.now())


def make_conversations(browsers: dict[str, Browser]) -> None:
    alice, bob, carla = (browsers[name] for name in ("alice", "bob", "carla"))
    alice.post("/messages/to/bob/", text="Shall we meet?")
    talk = f"/messages/{newest('messaging.Conversation').pk}/"
    bob.post(f"{talk}send/", text="At *noon*", client_id=str(CLIENT_ID))
    bob.post(f"{talk}entries/2/edit/", text="At *one*")
    alice.post(f"{talk}send/", text="Too early")
    alice.post(f"{talk}entries/4/delete/")
    notes = SimpleUploadedFile("notes.txt", b"Bring the drawings.\n", "text/plain")
    alice.post(f"{talk}send/", text="With these", pictures=[picture("olive")], files=[notes])
    alice.post(f"{talk}cursors/", delivered="6", read="6")
    bob.post(f"{talk}cursors/", delivered="6", read="5")
    bob.post(f"{talk}send/", text="One that is unread")
    alice.post("/messages/new/", to=["bob", "carla"], title="Crew", text="Welcome aboard")
    crew = f"/messages/{newest('messaging.Conversation').pk}/"
    alice.post(f"{crew}rename/", title="Harbour crew")
    carla.post(f"{crew}send/", text="Ahoy")
    bob.post(f"{crew}mute/")
    carla.post(f"{crew}leave/")
    alice.post(f"{crew}add/", to=["sam"])
    browsers["ivy"].post("/messages/to/alice/", text="May I ask something?")
    browsers["dan"].post("/messages/to/alice/", text="Cheap watches")
    alice.post(f"/messages/{newest('messaging.Conversation').pk}/decline/")


def choose_notifications(alice: Browser) -> None:
    kinds = set(model("notifications.Notification").objects.values_list("kind", flat=True))
    wanted = {"invitation", "connection", "follow", "reaction", "comment", "reply", "mention", "repost"}
    assert kinds == {*wanted, "message"}, kinds
    read = model("notifications.Notification").objects.filter(recipient=alice.member, kind="follow").get()
    alice.post(f"/notifications/{read.pk}/read/")
    hours = {"quiet": "on", "start": "21:30", "end": "06:15", "zone": "Europe/Madrid"}
    alice.post("/notifications/preferences/", page_reaction="on", mail_reaction="on", **hours)
    assert model("notifications.QuietHours").objects.get().start == time(21, 30)


def make_administration() -> None:
    """Rows that no page of a member makes."""
    mona, post = model("users.User").objects.get(username="mona"), newest("feed.Post")
    group = model("auth.Group").objects.create(name="Moderators")
    permission = model("auth.Permission").objects.get(codename="change_post")
    group.permissions.add(permission)
    mona.groups.add(group)
    mona.user_permissions.add(permission)
    model("admin.LogEntry").objects.create(
        user=mona,
        content_type=ContentType.objects.get_for_model(type(post)),
        object_id=str(post.pk),
        object_repr="post",
        action_flag=2,
    )
    later = timezone.now() + timedelta(days=36500)
    model("core.CacheEntry").objects.create(cache_key="key", value="1", expires=later)
    model("core.OutgoingMail").objects.create(
        recipient="bob@example.org",
        subject="Waiting",
        text="This waits.",
        headers={"X-Test": "1"},
        next_attempt_at=later,
    )
