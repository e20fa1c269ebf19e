"""Valid data of the forms of a profile; tests make one value invalid at a time."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import BaseForm
from django.test import Client

from users.forms import latest_today
from users.models import Education, Experience, Link, Skill, User
from users.models.profile import Entry

THIS_YEAR = latest_today().year
# Text that looks like an attack and must be shown as text, never as an element.
SCRIPTS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</p><svg/onload=alert(1)>"]
HONEST = ["O'Brien & Sons", "a < b && c > d", "delete from orders", "AMZN", "مدیر می\u200cخواهم", "C++ 🧑‍💻"]
TRICKS = ["Ad\u200ba", "\u202eadA", "\u3164", "A" + "\u0301" * 9, "A\x07da", "A\x00da"]

FILLED: dict[str, dict[str, str]] = {
    "experience": {
        "title": "Engineer",
        "employer": "Acme",
        "location": "Oslo",
        "start_0": "3",
        "start_1": "2019",
        "end_0": "5",
        "end_1": "2021",
        "description": "Built things.\r\n\r\nMended others.",
    },
    "education": {
        "school": "NTNU",
        "degree": "MSc",
        "field": "Physics",
        "start_year": "2012",
        "end_year": "2017",
        "description": "On waves.",
    },
    "skills": {"name": "Django"},
    "links": {"label": "My site", "url": "https://alice.example/"},
}
MODELS: dict[str, type[Entry]] = {
    "experience": Experience,
    "education": Education,
    "skills": Skill,
    "links": Link,
}
SECTION_NAMES = list(FILLED)


def form_data(section: str, **values: str) -> dict[str, str]:
    return {**FILLED[section], **values}


def make_entry(member: User, section: str) -> Entry:
    """Create an entry of the section through its form."""
    client = Client()
    client.force_login(member)
    client.post(f"/settings/{section}/", FILLED[section])
    return MODELS[section]._default_manager.latest("pk")


def refused_at(response: Any, name: str = "form") -> list[str]:
    """Return the names of the refused fields; fail if the response is no refusal."""
    assert response.status_code == 422, response.status_code
    form: BaseForm = response.context[name]
    assert all(words for words in form.errors.values())
    return list(form.errors)


def upload(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type=kind)
