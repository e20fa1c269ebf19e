"""Admin pages of members: every page opens, and only for staff."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from network.events import connection_removed, member_unfollowed
from network.models import Block, Connection, Follow
from network.services import block_member, follow_member, invite_member
from tests.cases import all_cases, rolled_back
from tests.cast import PASSWORD, client_of, make_member
from users.models import User

from .accounts import REAUTHENTICATE, admin_form_data, is_signed_in
from .conftest import Browser
from .factories import SECTION_NAMES, make_entry

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in {"users", "network"}]


@pytest.fixture
def as_admin(alice: User) -> Client:
    return reauthenticated_client(User.objects.create_superuser("boss", "boss@example.org", PASSWORD))


def reauthenticated_client(member: User) -> Client:
    """Return a client that has just reauthenticated."""
    client = Browser()
    client.force_login(member)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    return client


def test_every_model_of_the_house_is_there() -> None:
    names = {model._meta.model_name for model in OURS}
    assert names >= {"user", "experience", "education", "skill", "link", "connection", "follow", "block"}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_its_list_opens_and_can_be_searched(as_admin: Client, alice: User, bob: User, model: type) -> None:
    for section in SECTION_NAMES:
        make_entry(alice, section)
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")  # type: ignore[attr-defined]
    assert as_admin.get(address).status_code == 200
    assert as_admin.get(address, {"q": "alice"}).status_code == 200


def test_a_search_of_any_length_is_cut_before_it_becomes_a_query(as_admin: Client, alice: User) -> None:
    doors = {
        reverse("admin:users_user_changelist"): {"q": "alice " * 1000},
        reverse("admin:feed_post_changelist"): {"q": "bridge " * 1000},
        reverse("admin:autocomplete"): {
            "term": "alice " * 1000,
            "app_label": "network",
            "model_name": "connection",
            "field_name": "low",
        },
    }
    longest = {}
    for address, form in doors.items():
        with CaptureQueriesContext(connection) as queries:
            assert as_admin.get(address, form).status_code == 200, address
        longest[address] = max(len(query["sql"]) for query in queries)
    assert {address: size for address, size in longest.items() if size > 50_000} == {}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_row_opens_and_a_new_one_can_be_added(
    as_admin: Client, alice: User, bob: User, model: type
) -> None:
    for section in SECTION_NAMES:
        make_entry(alice, section)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"  # type: ignore[attr-defined]
    # Only members create connections, follows and blocks.
    made_by_staff = 403 if model in {Block, Connection, Follow} else 200
    assert as_admin.get(reverse(f"{name}_add")).status_code == made_by_staff
    row = model._default_manager.first()  # type: ignore[attr-defined]
    if row is not None:
        assert as_admin.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_staff_delete_connections_and_create_none(as_admin: Client, alice: User, bob: User) -> None:
    """Deleting a connection also updates open pages; an open invitation is deleted without a signal."""
    nina, dora = make_member("nina"), make_member("dora")
    invite_member(inviter=alice, invitee=nina)
    follow_member(follower=alice, followed=dora)
    block_member(blocker=bob, blocked=dora)
    heard: list[str] = []
    for name, signal in (("removed", connection_removed), ("unfollowed", member_unfollowed)):
        signal.connect(
            lambda name=name, **values: heard.append(name), weak=False, dispatch_uid=f"test.{name}"
        )
    waiting = Connection.objects.get(inviter=alice, state=Connection.State.INVITED)
    path = f"/admin/network/connection/{waiting.pk}/change/"
    assert as_admin.post(path, {"state": 1, "note": "", "inviter": alice.pk}).status_code == 403
    assert not Connection.objects.get(pk=waiting.pk).is_connected
    for model in (Connection, Follow, Block):
        form = {
            "action": "delete_selected",
            "_selected_action": [row.pk for row in model._default_manager.all()],
            "post": "yes",
        }
        as_admin.post(f"/admin/network/{model._meta.model_name}/", form)
        assert not model._default_manager.exists()
    for name, signal in (("removed", connection_removed), ("unfollowed", member_unfollowed)):
        signal.disconnect(dispatch_uid=f"test.{name}")
    assert sorted(heard) == ["removed", "unfollowed"]


def test_a_member_added_by_staff_has_a_profile(as_admin: Client) -> None:
    form = {"username": "Nina", "email": "Nina@example.org", "name": "Nina", "usable_password": "true"}
    form |= {"password1": PASSWORD, "password2": PASSWORD}
    form |= {f"profile-{key}": value for key, value in [("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0")]}
    response = as_admin.post(reverse("admin:users_user_add"), form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    nina = User.objects.get(username__iexact="nina")
    assert nina.profile.pk == nina.pk
    assert (nina.username, nina.email, nina.sort_name) == ("nina", "nina@example.org", "nina")


def test_a_name_changed_by_staff_is_found_in_the_directory(as_admin: Client, alice: User) -> None:
    form = admin_form_data(as_admin, alice) | {"name": "Zelda Zorn"}
    response = as_admin.post(reverse("admin:users_user_change", args=[alice.pk]), form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert as_admin.get("/members/", {"q": "zor"}).context["people"][0].member.pk == alice.pk


def test_nobody_else_gets_in(as_alice: Client) -> None:
    with all_cases() as case:
        for who in ["member", "visitor"]:
            with case(who), rolled_back():
                client = Browser()
                browser = as_alice if who == "member" else client
                for path in ("/admin/", "/admin/users/user/", "/admin/network/connection/"):
                    assert browser.get(path)["Location"].startswith("/admin/login/")


NEW = "another-horse-entirely"
NEW_PASSWORD = {"usable_password": "true", "password1": NEW, "password2": NEW}


def make_staff(*rights: str) -> User:
    """Create a staff member with only these permissions."""
    member = make_member("clerk", is_staff=True)
    member.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return member


def test_who_may_change_members_gets_no_further_by_it(alice: User) -> None:
    """Staff cannot change permissions, neither their own nor others', nor accounts that have some."""
    boss = User.objects.create_superuser("boss", "boss@example.org", PASSWORD)
    member = make_staff("view_user", "change_user", "delete_user", "view_group", "change_group", "add_group")
    group = Group.objects.create(name="Moderators")
    client = reauthenticated_client(member)
    rights = {
        "is_staff": "on",
        "is_superuser": "on",
        "user_permissions": list(range(1, 30)),
        "groups": [group.pk],
    }
    sent = {
        f"/admin/users/user/{member.pk}/change/": rights,
        f"/admin/users/user/{boss.pk}/change/": rights | {"email": "thief@evil.example"},
        f"/admin/users/user/{boss.pk}/password/": NEW_PASSWORD,
        f"/admin/users/user/{boss.pk}/delete/": {"post": "yes"},
        f"/admin/auth/group/{group.pk}/change/": {"name": "Mine", "permissions": list(range(1, 30))},
        "/admin/auth/group/add/": {"name": "Mine", "permissions": [1]},
    }
    assert {path: client.post(path, form).status_code for path, form in sent.items()} == dict.fromkeys(
        sent, 403
    )
    client.post(
        "/admin/users/user/", {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    )
    path = f"/admin/users/user/{alice.pk}/change/"
    form = admin_form_data(client, alice) | rights | {"headline": "Changed by staff"}
    assert client.post(path, form).status_code == 302
    alice.refresh_from_db()
    assert (alice.headline, alice.is_staff, alice.is_superuser) == ("Changed by staff", False, False)
    assert not alice.user_permissions.exists() | alice.groups.exists()
    assert User.objects.get(pk=boss.pk).check_password(PASSWORD)
    assert not User.objects.get(pk=member.pk).is_superuser


def test_those_who_have_all_rights_give_them(as_admin: Client, alice: User) -> None:
    form = admin_form_data(as_admin, alice) | {"is_staff": "on", "is_active": "on"}
    assert as_admin.post(f"/admin/users/user/{alice.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=alice.pk).is_staff


def test_a_stolen_session_of_staff_alone_takes_no_account(alice: User) -> None:
    boss = User.objects.create_superuser("boss", "boss@example.org", PASSWORD)
    stolen = client_of(boss)
    sent = {
        f"/admin/users/user/{boss.pk}/password/": NEW_PASSWORD,
        f"/admin/users/user/{alice.pk}/password/": NEW_PASSWORD,
        f"/admin/users/user/{alice.pk}/change/": admin_form_data(stolen, alice)
        | {"email": "thief@evil.example"},
        "/admin/users/user/add/": NEW_PASSWORD | {"username": "mine", "email": "mine@evil.example"},
    }
    for path, form in sent.items():
        response = stolen.post(path, form)
        assert response["Location"].startswith(f"{REAUTHENTICATE}?next="), path
    assert NEW not in str(dict(stolen.session)), "what is typed is not kept"
    for member in (alice, boss):
        email = member.email
        member.refresh_from_db()
        assert (member.email, member.check_password(PASSWORD)) == (email, True)
    assert not User.objects.filter(username="mine").exists()


def test_a_password_set_by_staff_is_mailed_to_the_member_and_ends_the_sessions(
    as_admin: Client, alice: User
) -> None:
    inside = client_of(alice)
    assert is_signed_in(inside)
    assert as_admin.post(f"/admin/users/user/{alice.pk}/password/", NEW_PASSWORD).status_code == 302
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["alice@example.org"], "Your password was changed")
    ]
    assert not is_signed_in(inside)
