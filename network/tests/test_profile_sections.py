"""The sections of a profile are cached for all viewers: they show their view alone."""

from datetime import date, timedelta

import pytest
from django.template.loader import get_template
from django.test import Client

from network.profile_sections import EducationView, ExperienceView, LinkView, ProfileSections
from tests.cast import client_of
from tests.view_changes import find_missed_changes
from users.audience import Audience
from users.models import Education, Experience, Link, Profile, Skill, User

SECTIONS = ProfileSections(
    "<p>About</p>",
    (ExperienceView("Baker", "Mill", "Lyon", date(2020, 1, 1), date(2021, 2, 1), "Bread"),),
    (EducationView("School", "Master", "Bread", 2015, 2018, "Flour"),),
    ("Baking", "Selling"),
    (LinkView("Shop", "https://shop.example.org/"),),
)


def html_of(sections: ProfileSections) -> str:
    return get_template("network/_profile_sections.html").render({"sections": sections})


def test_each_value_of_the_sections_is_in_their_key_and_is_shown() -> None:
    assert find_missed_changes([SECTIONS], html_of, {}) == (set(), set())
    [position] = SECTIONS.experience
    for changed in ({"start": position.start - timedelta(days=60)}, {"end": None}, {"end": date(2022, 1, 1)}):
        assert html_of(SECTIONS._replace(experience=(position._replace(**changed),))) != html_of(SECTIONS)
    assert html_of(ProfileSections()).strip() == ""


@pytest.fixture
def profile(alice: User) -> Profile:
    """Alice's, with an entry in each section, whose word names the section."""
    Experience.objects.create(user=alice, title="Word of experience", employer="x", start=date(2020, 1, 1))
    Education.objects.create(user=alice, school="Word of education", start_year=2000)
    Skill.objects.create(user=alice, name="Word of skills")
    Link.objects.create(user=alice, label="Word of links", url="https://example.org/")
    User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
    Profile.objects.filter(pk=alice.pk).update(about_html="<p>Word of about</p>")
    return Profile.objects.get(pk=alice.pk)


def test_each_section_is_shown_to_its_audience_whoever_looked_before(
    profile: Profile, alice: User, bob: User, charlie: User
) -> None:
    browsers = [client_of(alice), client_of(bob), client_of(charlie), Client()]
    sections = ("about", "experience", "education", "skills", "links")
    for index in range(len(sections)):
        # Each section has another audience in each round.
        for turn, section in enumerate(sections):
            audience = list(Audience)[(index + turn) % len(Audience)]
            setattr(profile, f"{section}_audience", audience)
        profile.save()
        for closeness, browser in zip((3, 2, 1, 0), browsers, strict=True):
            page = browser.get("/members/alice/").content.decode()
            shown = {section for section in sections if f"Word of {section}" in page}
            assert shown == {name for name in sections if getattr(profile, f"{name}_audience") <= closeness}
