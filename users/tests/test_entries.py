"""Adding, editing and removing entries of the own profile, and of no other."""

import datetime
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tests.cases import all_cases, rolled_back
from tests.cast import client_of
from users import services
from users.forms import ExperienceForm
from users.models import Education, Experience, Link, Skill, User

from .factories import MODELS, SECTION_NAMES, form_data, make_entry, refused_at

pytestmark = pytest.mark.django_db

sections = pytest.mark.parametrize("section", SECTION_NAMES)


@sections
def test_the_page_of_a_section_opens_and_is_empty(as_alice: Client, section: str) -> None:
    response = as_alice.get(f"/settings/{section}/")
    assert response.status_code == 200
    assert list(response.context["entries"]) == []


@sections
def test_an_entry_is_added_and_shows(as_alice: Client, alice: User, section: str) -> None:
    response = as_alice.post(f"/settings/{section}/", form_data(section))
    assert (response.status_code, response["Location"]) == (302, f"/settings/{section}/")
    entry = MODELS[section]._default_manager.get()
    assert entry.user_id == alice.pk
    name = str(entry).partition(",")[0]
    assert name in as_alice.get(f"/settings/{section}/").content.decode()
    assert name in as_alice.get("/members/alice/").content.decode()


def test_months_are_stored_as_their_first_day(as_alice: Client) -> None:
    as_alice.post("/settings/experience/", form_data("experience"))
    entry = Experience.objects.get()
    assert (entry.start, entry.end) == (datetime.date(2019, 3, 1), datetime.date(2021, 5, 1))
    assert entry.description == "Built things.\n\nMended others."


@sections
def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    for path in (
        f"/settings/{section}/",
        f"/settings/{section}/{entry.pk}/",
        f"/settings/{section}/{entry.pk}/delete/",
    ):
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"
        assert client.post(path, form_data(section))["Location"] == f"/accounts/login/?next={path}"
    assert MODELS[section]._default_manager.count() == 1


@sections
def test_an_entry_is_edited(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    name = {"experience": "title", "education": "school", "skills": "name", "links": "label"}[section]
    page = as_alice.get(f"/settings/{section}/{entry.pk}/").content.decode()
    assert f'value="{getattr(entry, name)}"' in page
    response = as_alice.post(f"/settings/{section}/{entry.pk}/", form_data(section, **{name: "Changed"}))
    assert response["Location"] == f"/settings/{section}/"
    entry.refresh_from_db()
    assert getattr(entry, name) == "Changed"
    assert MODELS[section]._default_manager.count() == 1


@sections
def test_a_refused_edit_changes_nothing(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    name = {"experience": "title", "education": "school", "skills": "name", "links": "label"}[section]
    response = as_alice.post(f"/settings/{section}/{entry.pk}/", form_data(section, **{name: ""}))
    assert refused_at(response) == [name]
    assert str(MODELS[section]._default_manager.get()) == str(entry)


@sections
def test_saving_an_entry_unchanged_is_fine(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    assert as_alice.post(f"/settings/{section}/{entry.pk}/", form_data(section)).status_code == 302


@sections
def test_another_members_entry_is_404(as_bob: Client, alice: User, section: str) -> None:
    """Bob, a connection, may see the entry on Alice's page but not edit it."""
    with all_cases() as case:
        for method, act in product(("get", "post"), ("", "delete/")):
            with case(f"{method!r}, {act!r}"), rolled_back():
                entry = make_entry(alice, section)
                response = getattr(as_bob, method)(
                    f"/settings/{section}/{entry.pk}/{act}", form_data(section)
                )
                assert response.status_code == (405 if (act, method) == ("delete/", "get") else 404)
                assert MODELS[section]._default_manager.filter(pk=entry.pk, user=alice).exists()


@sections
def test_an_entry_of_another_section_is_404(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    for other in set(SECTION_NAMES) - {section}:
        assert as_alice.get(f"/settings/{other}/{entry.pk + 1000}/").status_code == 404
        assert as_alice.post(f"/settings/{other}/{entry.pk}/delete/").status_code == 404


def test_what_is_no_entry_is_404(as_alice: Client) -> None:
    with all_cases() as case:
        for path in ["0/", "abc/", "9" * 30 + "/", "-1/", "1%00/", "999999999999999999/", "1/delete/"]:
            with case(path), rolled_back():
                response = as_alice.post(f"/settings/experience/{path}")
                assert response.status_code == (400 if "%00" in path else 404)


def test_what_is_no_section_is_404(as_alice: Client) -> None:
    with all_cases() as case:
        for path in ["nonsense/1/", "photo/1/", "Experience/1/", "nonsense/1/delete/"]:
            with case(path), rolled_back():
                assert as_alice.post(f"/settings/{path}").status_code == 404


@sections
def test_an_entry_is_removed(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    assert as_alice.post(f"/settings/{section}/{entry.pk}/delete/")["Location"] == f"/settings/{section}/"
    assert not MODELS[section]._default_manager.exists()


@sections
def test_removing_takes_a_post(as_alice: Client, alice: User, section: str) -> None:
    entry = make_entry(alice, section)
    assert as_alice.get(f"/settings/{section}/{entry.pk}/delete/").status_code == 405
    assert MODELS[section]._default_manager.exists()


def test_removing_twice_is_404_and_harms_nothing(as_alice: Client, alice: User) -> None:
    entry, other = make_entry(alice, "experience"), make_entry(alice, "experience")
    as_alice.post(f"/settings/experience/{entry.pk}/delete/")
    assert as_alice.post(f"/settings/experience/{entry.pk}/delete/").status_code == 404
    assert list(Experience.objects.all()) == [other]


@sections
def test_looking_adds_nothing(as_alice: Client, section: str) -> None:
    as_alice.get(f"/settings/{section}/", form_data(section))
    assert not MODELS[section]._default_manager.exists()


def test_a_full_section_says_so_and_keeps_what_was_typed(as_alice: Client, alice: User) -> None:
    with all_cases() as case:
        for section, most in [("experience", 50), ("education", 50), ("skills", 50), ("links", 10)]:
            with case((section, most)), rolled_back():
                one = make_entry(alice, section)
                model: Any = MODELS[section]
                values = {
                    field.attname: getattr(one, field.attname)
                    for field in model._meta.fields
                    if field.name != "id"
                }
                copies = [
                    model(**{**values, **({"name": f"Skill {n}"} if section == "skills" else {})})
                    for n in range(most - 1)
                ]
                model._default_manager.bulk_create(copies)
                typed = form_data(section, **({"name": "One more"} if section == "skills" else {}))
                response = as_alice.post(f"/settings/{section}/", typed)
                assert refused_at(response) == ["__all__"]
                assert str(most) in response.context["form"].non_field_errors()[0]
                assert model._default_manager.count() == most
                with pytest.raises(services.TooManyEntries):
                    services.add_entry(user=alice, entry=model(**values))


def test_entries_of_other_members_do_not_count(as_alice: Client, charlie: User) -> None:
    Link.objects.bulk_create(
        [Link(user=charlie, label="x", url="https://x.example/") for _number in range(10)]
    )
    assert as_alice.post("/settings/links/", form_data("links")).status_code == 302


def test_two_members_may_have_the_same_skill(as_alice: Client, charlie: User) -> None:
    Skill.objects.create(user=charlie, name="Django")
    assert as_alice.post("/settings/skills/", {"name": "Django"}).status_code == 302


def test_a_posted_owner_is_ignored(as_alice: Client, alice: User, charlie: User) -> None:
    as_alice.post(
        "/settings/skills/", {"name": "Django", "user": str(charlie.pk), "user_id": str(charlie.pk)}
    )
    assert Skill.objects.get().user_id == alice.pk


def test_present_positions_come_first_then_the_latest(alice: User) -> None:
    def position(title: str, start: int, end: int | None) -> Experience:
        ends = datetime.date(end, 1, 1) if end else None
        return Experience.objects.create(
            user=alice, title=title, employer="x", start=datetime.date(start, 1, 1), end=ends
        )

    position("old", 2001, 2005)
    position("present, long", 2010, None)
    position("recent", 2012, 2020)
    position("present, new", 2021, None)
    titles = list(Experience.objects.values_list("title", flat=True))
    assert titles == ["present, new", "present, long", "recent", "old"]


def test_the_database_refuses_an_end_before_the_start(alice: User) -> None:
    with all_cases() as case:
        for row in [
            Experience(
                title="x", employer="y", start=datetime.date(2020, 2, 1), end=datetime.date(2020, 1, 1)
            ),
            Education(school="x", start_year=2020, end_year=2019),
        ]:
            with case(row), rolled_back():
                row.user = alice
                with pytest.raises(IntegrityError), transaction.atomic():
                    row.save()


def test_without_the_token_of_the_page_nothing_happens(alice: User) -> None:
    entry = make_entry(alice, "skills")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(f"/settings/skills/{entry.pk}/delete/").status_code == 403
    assert client.post("/settings/skills/", {"name": "x"}).status_code == 403
    assert Skill.objects.count() == 1


def test_the_pages_of_a_full_profile_cost_the_same_as_of_an_empty_one(
    alice: User, django_assert_max_num_queries: Any
) -> None:
    client = client_of(alice)
    Skill.objects.bulk_create([Skill(user=alice, name=f"skill {number}") for number in range(50)])
    for section in SECTION_NAMES:
        with django_assert_max_num_queries(12):
            client.get(f"/settings/{section}/")


def test_a_month_that_has_begun_for_the_member_does_not_lie_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first place where a month begins is Kiribati (UTC+14)."""
    for now, is_valid in (("2026-11-30T10:30:00+00:00", True), ("2026-11-30T09:30:00+00:00", False)):
        moment = datetime.datetime.fromisoformat(now)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        typed = {"title": "Baker", "employer": "Bakery", "start_0": "12", "start_1": "2026"}
        assert ExperienceForm(typed).is_valid() is is_valid
