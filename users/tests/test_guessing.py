"""One limit on guesses for all views that take a password, per account and for all spellings of its identifiers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import PASSWORD, make_member
from users.accounts.sign_in_limits import begin_attempt
from users.models import User

from .accounts import CHANGE_PASSWORD, LOGIN, REAUTHENTICATE, RESET, is_signed_in, link_in, sign_in
from .conftest import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WRONG = "wrong-password"
NEW = "another-horse-entirely"
PASSWORD_INPUT = re.compile(r'<input[^>]*type="password"')

# For each view that takes a password: tries one and returns whether it was right.
Try = Callable[[Client, str], bool]


def try_to_sign_in(client: Client, password: str) -> bool:
    client.post(LOGIN, {"login": "alice", "password": password})
    return is_signed_in(client)


def try_to_reauthenticate(client: Client, password: str) -> bool:
    return bool(client.post(REAUTHENTICATE, {"password": password, "next": "/"}).status_code == 302)


def try_to_change(client: Client, password: str) -> bool:
    form = {"oldpassword": password, "password1": NEW, "password2": NEW}
    return bool(client.post(CHANGE_PASSWORD, form).status_code == 302)


TAKES_ONE: dict[str, tuple[Try, bool]] = {
    "account_login": (try_to_sign_in, False),
    "account_reauthenticate": (try_to_reauthenticate, True),
    "account_change_password": (try_to_change, True),
}
# Views that set a new password without checking one.
CHOOSES_ONE = {
    "account_signup",
    "account_reset_password_from_key",
    "account_set_password",
    "admin:users_user_add",
    "admin:auth_user_password_change",
}


def patterns(resolver: URLResolver, prefix: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name of each URL pattern, and a path with 1 for each number and x for each word."""
    for pattern in resolver.url_patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield prefix + (pattern.name or ""), "/" + here
        else:
            yield from patterns(
                pattern, prefix + (f"{pattern.namespace}:" if pattern.namespace else ""), here
            )


def example_of(path: str, number: int) -> str:
    path = re.sub(r"<id>|<(?:id|int):\w+>|<path:object_id>", str(number), path)
    path = re.sub(r"<[^>]*>", "x", path)
    return re.sub(r"[\^$\\]|\(\?P.*?\)\)?", "", path)


@pytest.fixture
def with_unusable(db: None) -> User:
    member = make_member("sso")
    member.set_unusable_password()
    member.save()
    return member


def test_every_page_with_a_field_for_a_password_is_known_here(alice: User, with_unusable: User) -> None:
    """Opens every URL as a visitor, as a superuser and as a member without a password."""
    boss = User.objects.create_superuser("boss", "boss@example.org", PASSWORD)
    visitor, staff, newcomer = Client(), Client(), Client()
    staff.force_login(boss)
    staff.post(REAUTHENTICATE, {"password": PASSWORD})
    newcomer.force_login(with_unusable)
    found = set()
    for name, path in patterns(get_resolver()):
        if any(part in path for part in ("confirm-email", "reset/key/(", "static", "media")):
            continue
        for client in (visitor, newcomer, staff) if path.startswith("/accounts/") else (staff,):
            response = client.get(example_of(path, alice.pk))
            if not response.streaming and PASSWORD_INPUT.search(response.content.decode(errors="replace")):
                found.add(name)
    client = Browser()
    client.post(RESET, {"email": "alice@example.org"})
    if PASSWORD_INPUT.search(client.get(link_in(mail.outbox[-1]), follow=True).content.decode()):
        found.add("account_reset_password_from_key")
    assert found == set(TAKES_ONE) | CHOOSES_ONE


def test_the_sixth_wrong_password_is_refused_at_each_of_them_and_the_right_one_too() -> None:
    deviations = {}
    for number, (name, (attempt, signed_in)) in enumerate(TAKES_ONE.items()):
        User.objects.filter(username="alice").delete()
        alice = make_member("alice")
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        if signed_in:
            client.force_login(alice)
        outcomes = [attempt(client, WRONG) for _ in range(5)] + [attempt(client, PASSWORD)]
        elsewhere = Client(REMOTE_ADDR=f"203.0.113.{number}")
        if outcomes != [False] * 6 or try_to_sign_in(elsewhere, PASSWORD):
            deviations[name] = outcomes
        for key in ("alice", "alice@example.org"):
            sign_in(Client(), key)
    assert deviations == {}


def test_guesses_at_one_address_count_at_the_others(alice: User) -> None:
    """A stolen session and a stranger share the five guesses of an account."""
    stolen = Client()
    stolen.force_login(alice)
    for attempt in (try_to_change, try_to_reauthenticate):
        assert not any([attempt(stolen, WRONG), attempt(stolen, WRONG)])
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    assert not try_to_sign_in(stranger, WRONG)
    assert not try_to_change(stolen, PASSWORD)


SPELLINGS = [
    "alice", "ALICE", " Alice ", "al\u0130ce", "al\u0131ce", "alice\u200b", "\uff41lice", "alice@example.org",
    "ALICE@EXAMPLE.ORG", "alice@Example.org", "al\u0130ce@example.org", "alice@exam\uff50le.org", "alice@example.org ",
]  # fmt: skip


def test_five_guesses_are_all_however_the_account_is_spelt(alice: User) -> None:
    """Each spelling comes from another IP address: all count for one account, which has five guesses."""
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), SPELLINGS[number % 3], WRONG)
    inside = []
    for number, spelling in enumerate(SPELLINGS):
        browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        sign_in(browser, spelling)
        if is_signed_in(browser):
            inside.append(spelling)
    assert inside == []


def test_characters_that_look_or_fold_alike_name_no_account(client: Client) -> None:
    """Some foldings map the kelvin sign, the long s and the two Turkish i to k, s and i, others do not."""
    make_member("kiss")
    strange = ["\u212aiss", "ki\u017fs", "k\u0130ss", "k\u0131ss", "ｋiss", "kı\u0307ss"]
    strange += [f"{name}@example.org" for name in strange]
    inside = {}
    for number, login in enumerate(strange):
        browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        sign_in(browser, login)
        inside[login] = is_signed_in(browser)
    assert inside == dict.fromkeys(strange, False)
    for login in ("KISS", "Kiss@EXAMPLE.org"):
        browser = Client()
        sign_in(browser, login)
        assert is_signed_in(browser)


def test_a_closed_name_does_not_tell_whose_address_is_whose(alice: User) -> None:
    """After five guesses at the username, its address gets the same response as an unknown address."""
    for number in range(6):
        sign_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), "alice", WRONG)

    def responses(login: str) -> list[bool]:
        return [
            "Too many failed" in sign_in(Client(REMOTE_ADDR=f"198.51.100.{n}"), login, WRONG).content.decode()
            for n in range(6)
        ]

    assert responses("alice@example.org") == responses("nobody@example.org") == [False] * 5 + [True]


def test_attempts_count_for_their_account_and_name_until_they_are_taken_back(
    alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Also without a request, as where a program checks a password."""
    for _time in range(12):
        begin_attempt(None, alice, "alice").take_back()
    attempts = [begin_attempt(None, alice, f"spelling{number}") for number in range(6)]
    assert [attempt.is_refused for attempt in attempts] == [False] * 5 + [True]
    assert caplog.messages == ["rate limit hit: wrong passwords for account alice"]
    assert not begin_attempt(None, bob, "bob").is_refused
    # A refused attempt has counted for its name, and is taken back there.
    for _time in range(3):
        attempt = begin_attempt(None, alice, "Alice")
        assert attempt.is_refused
        attempt.take_back()
    cache.clear()  # else the limit of one address comes first
    request = RequestFactory().get("/")  # whichever its method
    for number in range(5):
        begin_attempt(request, None, "GHOST" if number % 2 else "ghost")
    with pytest.raises(ValidationError):
        begin_attempt(request, None, "ghost")
    # With fewer guesses for an account than for a name, a name without an account gets the same.
    with override_settings(
        ACCOUNT_RATE_LIMITS={"login_failed": "5/m/key", "login_failed_account": "1/m/key"}
    ):
        assert [begin_attempt(request, None, "spirit").is_refused for _time in range(2)] == [False, True]
    assert caplog.messages[-1] == "rate limit hit: wrong passwords for account (unknown)"


def guess(times: int, login: str = "alice") -> None:
    for number in range(times):
        sign_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), login, WRONG)


def browser_of_alice() -> Client:
    browser = Client()
    sign_in(browser, "alice")
    browser.post("/accounts/logout/")
    return browser


def test_a_browser_that_signed_in_before_is_not_locked_out_by_others(alice: User) -> None:
    known = browser_of_alice()
    guess(6)
    guess(6, "alice@example.org")
    assert not try_to_sign_in(Client(), PASSWORD)
    assert try_to_sign_in(known, PASSWORD)


def test_its_cookie_gives_a_thief_five_guesses_however_often_it_is_copied(alice: User) -> None:
    cookies = [browser_of_alice().cookies["known_browser"].value for _ in range(3)]
    thieves = []
    for number, cookie in enumerate(cookies):
        thief = Client(REMOTE_ADDR=f"198.51.100.{number}")
        thief.cookies["known_browser"] = cookie
        thieves.append(thief)
    for number in range(5):
        assert not try_to_sign_in(thieves[number % 3], WRONG)
    assert not any(try_to_sign_in(thief, PASSWORD) for thief in thieves)
    assert try_to_sign_in(Client(), PASSWORD), "who comes without the cookie does not feel them"


def test_the_cookie_of_another_account_or_a_forged_one_is_worth_nothing(alice: User) -> None:
    make_member("eve")
    eve = Client()
    sign_in(eve, "eve")
    true = browser_of_alice().cookies["known_browser"].value
    guess(6)
    forged = [
        eve.cookies["known_browser"].value,
        true[:-1] + ("A" if true[-1] != "A" else "B"),
        "",
        "x" * 9000,
    ]
    outcomes = []
    for number, cookie in enumerate(forged):
        browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        browser.cookies["known_browser"] = cookie
        outcomes.append(try_to_sign_in(browser, PASSWORD))
    assert outcomes == [False] * len(forged)


def test_a_new_password_makes_the_cookie_worthless(alice: User) -> None:
    known = browser_of_alice()
    alice.set_password(NEW)
    alice.save()
    guess(6)
    assert not try_to_sign_in(known, NEW)


def test_a_browser_remembers_no_more_than_five_members(client: Client) -> None:
    for number in range(8):
        make_member(f"member{number}")
        sign_in(client, f"member{number}")
        client.post("/accounts/logout/")
    assert len(client.cookies["known_browser"].value) < 1000
    guess(6, "member0")
    guess(6, "member7")
    opened = []
    for name in ("member0", "member7"):
        sign_in(client, name)
        opened.append(is_signed_in(client))
    assert opened == [False, True]


def test_a_reset_opens_both_names_at_once(alice: User) -> None:
    for login in ("alice", "alice@example.org"):
        guess(6, login)
    owner = Browser()
    owner.post(RESET, {"email": "alice@example.org"})
    form = str(owner.get(link_in(mail.outbox[-1]))["Location"])
    owner.post(form, {"password1": NEW, "password2": NEW})
    for login in ("alice", "alice@example.org"):
        browser = Client()
        sign_in(browser, login, NEW)
        assert is_signed_in(browser)


def test_a_reset_leaves_the_guesses_that_its_network_has_used(alice: User) -> None:
    """Otherwise the owner of an account could guess at other accounts without a limit."""
    thief = Browser(REMOTE_ADDR="198.51.100.7")
    for number in range(10):
        sign_in(thief, f"nobody{number}", WRONG)
    thief.post(RESET, {"email": "alice@example.org"})
    form = str(thief.get(link_in(mail.outbox[-1]))["Location"])
    thief.post(form, {"password1": NEW, "password2": NEW})
    assert "Too many failed" in sign_in(thief, "somebody", WRONG).content.decode()


def test_a_form_left_open_in_a_second_tab_goes_on_to_where_it_led(alice: User) -> None:
    deviations: dict[str, Any] = {}
    for path in (LOGIN, "/accounts/signup/"):
        browser = Client(enforce_csrf_checks=True)
        browser.get(path)
        old = browser.cookies["csrftoken"].value
        fields = {"login": "alice", "password": PASSWORD, "csrfmiddlewaretoken": old}
        assert browser.post(LOGIN, fields).status_code == 302
        for wanted, led in [("/network/sent/", "/network/sent/"), ("https://evil.example/", "/"), ("", "/")]:
            response = browser.post(path, {**fields, "next": wanted})
            if (response.status_code, response.get("Location")) != (302, led):
                deviations[f"{path} {wanted}"] = (response.status_code, response.get("Location"))
        if browser.post("/settings/profile/", fields).status_code != 403:
            deviations["another form"] = "taken"
    assert deviations == {}
