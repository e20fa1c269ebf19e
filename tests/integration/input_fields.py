"""Every field of a request that takes words: of the forms on pages, and of the table of addresses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from http import HTTPStatus
from urllib.parse import quote, urljoin

from tests.authorization import FORMS
from tests.sample_urls import list_sample_urls
from tests.test_authorization import lines

from .one_worker import OneWorker, Sent

BODY, JSON, LINE, HEADER = 1024 * 1024, 64 * 1024, 8_000, 16_000
BOUNDARY = "of-the-test"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
# Written as they are: each one that is escaped would be three.
SAFE = "%[]:/!*_<~|@,.()"
QUERIES = ("page", "q", "before", "around", "show", "box", "size", "next", "o", "p", "unknown")
# Whose owner could do nothing more afterwards; visitors who are not signed in ask here.
ENDINGS = re.compile(r"/(logout|delete|disconnect|block|leave|decline|remove|restore/[^/]+)/$")
# Types of inputs in which nobody types.
CHOSEN = ("checkbox", "file", "radio", "submit")
HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Language", "Cookie", "Forwarded",
    "HX-Current-URL", "HX-Target", "HX-Trigger-Name", "If-Match", "If-Modified-Since", "If-None-Match", "Origin",
    "Range", "Referer", "User-Agent", "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Host", "X-Request-ID",
)  # fmt: skip
COOKIES = ("__Host-session", "__Host-csrf", "__Host-known-browser", "messages", "django_timezone", "unknown")


@dataclass(frozen=True)
class InputField:
    """Where words go: `way` is form, parts, JSON, query, path, header or cookie; `name` is the field's."""

    way: str
    who: str
    method: str
    address: str
    name: str = ""
    others: tuple[tuple[str, str], ...] = ()
    most: int = 0  # characters that the field says to take, 0 where it does not say

    def __str__(self) -> str:
        return f"{self.who} {self.method} {self.address} {self.way} {self.name}"

    @property
    def room(self) -> int:
        """The bytes that fit."""
        taken = 500 + sum(len(key) + len(value) + 100 for key, value in self.others)
        return {"form": BODY - taken, "parts": BODY - taken, "JSON": JSON - 100}.get(
            self.way, HEADER if self.way in {"header", "cookie"} else LINE - len(self.address)
        )

    def written(self, text: str) -> bytes:
        """The words as they go over the wire."""
        if self.way in {"parts", "JSON"}:
            return text.encode()
        if self.way in {"header", "cookie"}:
            return re.sub(r"[\x00\r\n]", "", text).encode()
        return quote(text, safe=SAFE.replace("/", "") if self.way == "path" else SAFE).encode()

    def filled(self, words: bytes) -> Sent:
        """The request with these words, as they are written, in this field."""
        sent = Sent(self.who, self.method, self.address)
        if self.way == "form":
            fields = [f"{quote(key)}={quote(value)}&".encode() for key, value in self.others]
            return replace(sent, body=b"".join(fields) + quote(self.name).encode() + b"=" + words)
        if self.way == "parts":
            fields = [_part(key, value.encode()) for key, value in self.others]
            end = f"--{BOUNDARY}--\r\n".encode()
            return replace(sent, body=b"".join([*fields, _part(self.name, words), end]), kind=MULTIPART)
        if self.way == "JSON":
            return replace(sent, body=words, kind="application/json")
        if self.way in {"header", "cookie"}:
            name = "Cookie" if self.way == "cookie" else self.name
            return replace(sent, headers=((name, f"{self.name}=".encode() * (name != self.name) + words),))
        inserted = words.decode()
        if self.way == "path":
            return replace(sent, address=self.address.replace("{words}", inserted))
        return replace(sent, address=f"{self.address}?{self.name}={inserted}")


def _part(name: str, value: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n"


class Forms(HTMLParser):
    """The forms of a page: where each is sent, its fields with their values and the most they take."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, tuple[str, int]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = "POST" if "hx-post" in said else said.get("method", "get").upper()
            self.found.append((said.get("hx-post") or said.get("action", ""), method, {}))
        elif tag in {"input", "textarea"} and said.get("name") and self.found:
            self._note(said)

    def _note(self, said: dict[str, str]) -> None:
        if said.get("type") not in CHOSEN and said["name"] != "csrfmiddlewaretoken":
            most = int(said.get("maxlength", "0"))
            self.found[-1][2].setdefault(said["name"], (said.get("value", ""), most))


def pages_with_forms(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Who looks at which page: everything that the owner and those who are not signed in may see, and the forms of the
    administration."""
    for line in lines():
        if line.method == "GET" and not ENDINGS.search(line.address):
            yield from ((who, line.address.format(**words)) for who in ("anonymous", "owner"))
    for name, address in list_sample_urls().items():
        if re.match("admin:(index|login|password_change|.*_add|.*_changelist|users_user_change)$", name):
            yield "staff", address


def fields_of_forms(worker: OneWorker) -> Iterator[InputField]:
    """Every field of every form that a page shows."""
    for who, page in pages_with_forms(worker.words):
        status, headers, body = worker.ask(Sent(who, "GET", page))
        if status != HTTPStatus.OK or not headers.get("Content-Type", "").startswith("text/html"):
            continue
        forms = Forms()
        forms.feed(body.decode())
        for action, method, fields in forms.found:
            address = urljoin(page, action).partition("?")[0]
            asking = "anonymous" if ENDINGS.search(address) else who
            for name, (_value, most) in fields.items():
                others = tuple((key, value) for key, (value, _most) in fields.items() if key != name)
                if method == "POST":
                    yield InputField("form", asking, method, address, name, others, most)
                else:
                    yield InputField("query", asking, method, address, name)


def fields_of_addresses(words: dict[str, str]) -> Iterator[InputField]:
    """Every address with its own field and query, and those of FORMS with the fields that they have."""
    for line in lines():
        address = line.address.format(**words)
        who = "anonymous" if ENDINGS.search(address) else "owner"
        if line.method == "GET":
            yield InputField("query", who, "GET", address, "page")
            continue
        form = {name: value.format(**words) for name, value in FORMS.get(line.name, {}).items()}
        for name in [*form, "next"]:
            others = tuple((key, value) for key, value in form.items() if key != name)
            yield InputField("form", who, "POST", address, name, others)
    for name, address in list_sample_urls().items():
        if name.startswith("admin:"):
            yield InputField("query", "staff", "GET", address, "q")


def fields_of_requests(words: dict[str, str]) -> Iterator[InputField]:
    """Parts of paths, headers, cookies, queries and JSON."""
    paths = ("/tags/{words}/", "/members/{words}/", "/media/{words}", "/{words}/", "/messages/to/{words}/",
             "/notifications/unsubscribe/{words}/", "/accounts/confirm-email/{words}/", "/static/{words}",
             "/accounts/password/reset/key/1-{words}/", "/accounts/email/restore/{words}/",
             "/accounts/email/check/{words}/",
             "/admin/users/user/{words}/change/")  # fmt: skip
    for who in ("anonymous", "owner"):
        yield from (InputField("path", who, "GET", path) for path in paths)
        yield from (InputField("query", who, "GET", "/accounts/login/", name) for name in ("next", "unknown"))
    lists = (
        "/members/",
        "/messages/",
        f"/messages/{words['talk']}/",
        f"/messages/{words['talk']}/search/",
        "/",
    )
    yield from (InputField("query", "owner", "GET", path, name) for path in lists for name in QUERIES)
    yield from (
        InputField("header", "owner" if name != "Cookie" else "anonymous", "GET", "/members/", name)
        for name in HEADERS
    )
    yield from (InputField("cookie", "anonymous", "GET", "/", name) for name in COOKIES)
    for end in ("send/", "cursors/"):
        yield InputField("JSON", "owner", "POST", f"/messages/{words['talk']}/{end}")
    yield from (InputField("parts", who, "POST", path, name) for who in ("anonymous", "owner")
                for path, name in (("/posts/", "text"), ("/posts/", "image_alt"), ("/accounts/signup/", "name"),
                                   (f"/messages/{words['talk']}/send/", "text")))  # fmt: skip


def list_fields(worker: OneWorker) -> list[InputField]:
    """All of them, each once."""
    found: dict[tuple[str, ...], InputField] = {}
    for field in (
        *fields_of_forms(worker),
        *fields_of_addresses(worker.words),
        *fields_of_requests(worker.words),
    ):
        found.setdefault((field.way, field.who, field.method, field.address, field.name), field)
    return list(found.values())


def once_everywhere(fields: list[InputField]) -> list[InputField]:
    """Every field of every form of members and visitors; of all else one field at each address, few of the staff."""
    found: dict[tuple[str, ...], InputField] = {}
    for field in fields:
        if field.who == "staff" and not field.address.endswith(("/add/", "/user/")):
            continue
        of_a_form = field.way not in {"query", "path"} and field.who != "staff"
        found.setdefault((field.way, field.method, field.address, field.name * of_a_form), field)
    return list(found.values())
