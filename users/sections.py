"""The sections of a profile that have entries: the model, the form and the texts of each."""

from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .forms import EducationForm, ExperienceForm, LinkForm, SkillForm
from .models import Education, Experience, Link, Skill
from .models.profile import Entry


@dataclass(frozen=True)
class Section:
    """One section: its slug in the URL, its model and form, and the texts of its page."""

    slug: str
    model: type[Entry]
    form: type[forms.ModelForm]
    title: str | Promise
    add: str | Promise
    empty: str | Promise

    @property
    def entry_template(self) -> str:
        """The template of an entry, in the settings and on the member's page."""
        return f"users/_{self.slug}.html"


SECTIONS = {
    section.slug: section
    for section in (
        Section(
            "experience", Experience, ExperienceForm, _("Experience"), _("Add a position"),
            _("Positions tell others what you have done, and help them find you."),
        ),
        Section(
            "education", Education, EducationForm, _("Education"), _("Add a course of study"),
            _("Where you studied is where many connections begin."),
        ),
        Section(
            "skills", Skill, SkillForm, _("Skills"), _("Add a skill"),
            _("Name what you are good at, one skill at a time."),
        ),
        Section(
            "links", Link, LinkForm, _("Links"), _("Add a link"),
            _("Your website, portfolio or publications."),
        ),
    )
}  # fmt: skip
