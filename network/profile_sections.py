"""The sections of a profile as HTML, rendered once for all viewers who may see the same ones."""

from datetime import date
from itertools import starmap
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from core.database.compiled_queries import CompiledQuery
from core.web.fragments import FragmentCache
from users.models import Education, Experience, Link, Profile, Skill

from .models import Member

# About 8 kB each: about 8 MB of a server process.
MAX_PROFILES = 1000

_SECTIONS = FragmentCache("network/_profile_sections.html", "sections", max_entries=MAX_PROFILES)


class ExperienceView(NamedTuple):
    """A position."""

    title: str
    employer: str
    location: str
    start: date
    end: date | None
    description: str


class EducationView(NamedTuple):
    """A course of study."""

    school: str
    degree: str
    field: str
    start_year: int
    end_year: int | None
    description: str


class LinkView(NamedTuple):
    """A website."""

    label: str
    url: str


class ProfileSections(NamedTuple):
    """Everything that the sections show; a section that the viewer may not see is empty."""

    about_html: str = ""
    experience: tuple[ExperienceView, ...] = ()
    education: tuple[EducationView, ...] = ()
    skills: tuple[str, ...] = ()
    links: tuple[LinkView, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not any(self)


def render_sections(sections: ProfileSections) -> SafeString:
    """Render the cards of all sections that are not empty."""
    return _SECTIONS.render(sections)


def load_sections(member: Member, profile: Profile) -> ProfileSections:
    """Return the sections of `member`, who was fetched for the viewer, as far as their audiences allow.

    One query for each section but the first; none for one that the viewer may not see.
    """

    def is_shown(section: str) -> bool:
        return bool(getattr(profile, f"{section}_audience") <= member.closeness)

    return ProfileSections(
        profile.about_html if is_shown("about") else "",
        tuple(starmap(ExperienceView, _EXPERIENCE.fetch(user=member.pk))) if is_shown("experience") else (),
        tuple(starmap(EducationView, _EDUCATION.fetch(user=member.pk))) if is_shown("education") else (),
        tuple(name for (name,) in _SKILLS.fetch(user=member.pk)) if is_shown("skills") else (),
        tuple(starmap(LinkView, _LINKS.fetch(user=member.pk))) if is_shown("links") else (),
    )


def _experience_query(user: int) -> QuerySet[Experience, tuple[str, str, str, date, date | None, str]]:
    return Experience.objects.filter(user=user).values_list(
        "title", "employer", "location", "start", "end", "description"
    )


def _education_query(user: int) -> QuerySet[Education, tuple[str, str, str, int, int | None, str]]:
    return Education.objects.filter(user=user).values_list(
        "school", "degree", "field", "start_year", "end_year", "description"
    )


def _skills_query(user: int) -> QuerySet[Skill, tuple[str]]:
    return Skill.objects.filter(user=user).values_list("name")


def _links_query(user: int) -> QuerySet[Link, tuple[str, str]]:
    return Link.objects.filter(user=user).values_list("label", "url")


_EXPERIENCE = CompiledQuery(_experience_query)
_EDUCATION = CompiledQuery(_education_query)
_SKILLS = CompiledQuery(_skills_query)
_LINKS = CompiledQuery(_links_query)
