"""Conversations in the administration: every model opens, and nobody reads or changes what was said."""

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from messaging import presence, services
from messaging.models import Attachment, Conversation, Entry, Membership, Presence
from messaging.tests.factories import send
from tests.cast import client_of
from users.models import User

MODELS = [Conversation, Membership, Entry, Attachment, Presence]
SECRET = "Between the two of us"


@pytest.fixture
def staff(conversation: Conversation, alice: User) -> Client:
    """Someone who may do everything, where something was said."""
    send(conversation, alice, SECRET, files=[services.File(b"%PDF-1.4", f"{SECRET}.pdf")])
    presence.touch([alice.pk])
    return client_of(User.objects.create_superuser("root", "root@example.org"))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_listed_searched_and_opened_without_its_words(
    staff: Client, model: type[Model]
) -> None:
    name = f"admin:messaging_{model._meta.model_name}"
    row = model._default_manager.order_by("pk")[0]
    addresses = [
        reverse(f"{name}_changelist"),
        reverse(f"{name}_changelist") + "?q=a",
        reverse(f"{name}_change", args=[row.pk]),
    ]
    for address in addresses:
        response = staff.get(address)
        assert response.status_code == 200
        assert SECRET not in response.content.decode()
    assert staff.get(reverse(f"{name}_add")).status_code == 403
    assert staff.post(addresses[-1], {}).status_code == 403


def test_what_was_said_cannot_be_guessed_by_narrowing_a_list(staff: Client) -> None:
    asked = {
        "entry": ["text", "html", "search_text", "digest", "client_id"],
        "attachment": ["stored", "name"],
    }
    answers = {
        f"{model}: {field}{how}": staff.get(
            f"/admin/messaging/{model}/", {f"{field}{how}": SECRET[:3]}
        ).status_code
        for model, fields in asked.items()
        for field in fields
        for how in ("", "__startswith", "__contains", "__regex", "__gte")
    }
    assert answers == dict.fromkeys(answers, 400)
    assert staff.get("/admin/messaging/entry/", {"kind__exact": "text"}).status_code == 200


@pytest.mark.parametrize("model", [Conversation, Entry, Attachment])
def test_nothing_is_taken_out_of_a_conversation(staff: Client, model: type[Model]) -> None:
    row = model._default_manager.order_by("pk")[0]
    address = reverse(f"admin:messaging_{model._meta.model_name}_delete", args=[row.pk])
    assert staff.post(address, {"post": "yes"}).status_code == 403


def test_an_account_can_be_deleted_and_its_words_stay(staff: Client, alice: User) -> None:
    address = reverse("admin:users_user_delete", args=[alice.pk])
    assert staff.post(address, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert (Entry.objects.get().author, Entry.objects.get().text) == (None, SECRET)
