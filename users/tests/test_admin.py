"""Members in the administration: every page opens, for staff alone."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.cast import PASSWORD
from users.models import User

from .material import SECTION_NAMES, make_entry

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in {"users", "network"}]


@pytest.fixture
def as_admin(alice: User) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss", "boss@example.org", PASSWORD))
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
    assert as_admin.get(reverse(f"{name}_add")).status_code == 200
    row = model._default_manager.first()  # type: ignore[attr-defined]
    if row is not None:
        assert as_admin.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_a_member_added_by_staff_has_a_profile(as_admin: Client) -> None:
    form = {"username": "Nina", "email": "Nina@example.org", "name": "Nina", "usable_password": "true"}
    form |= {"password1": PASSWORD, "password2": PASSWORD}
    form |= {f"profile-{key}": value for key, value in [("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0")]}
    answer = as_admin.post(reverse("admin:users_user_add"), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    nina = User.objects.get(username__iexact="nina")
    assert nina.profile.pk == nina.pk
    assert (nina.username, nina.email, nina.sort_name) == ("nina", "nina@example.org", "nina")


def test_a_name_changed_by_staff_is_found_in_the_directory(as_admin: Client, alice: User) -> None:
    page = as_admin.get(reverse("admin:users_user_change", args=[alice.pk]))
    initial = page.context["adminform"].form.initial
    form = {
        key: value for key, value in initial.items() if isinstance(value, str | int) and value is not False
    }
    form |= {"name": "Zelda Zorn", "joined_at_0": "2026-01-01", "joined_at_1": "00:00"}
    inline = page.context["inline_admin_formsets"][0].formset
    form |= {f"{inline.prefix}-{key}": value for key, value in inline.management_form.initial.items()}
    for row in inline.forms:
        form |= {f"{row.prefix}-{key}": value for key, value in row.initial.items()}
    answer = as_admin.post(reverse("admin:users_user_change", args=[alice.pk]), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert as_admin.get("/members/", {"q": "zor"}).context["people"][0].member.pk == alice.pk


@pytest.mark.parametrize("who", ["member", "visitor"])
def test_nobody_else_gets_in(client: Client, as_alice: Client, who: str) -> None:
    browser = as_alice if who == "member" else client
    for path in ("/admin/", "/admin/users/user/", "/admin/network/connection/"):
        assert browser.get(path)["Location"].startswith("/admin/login/")
