"""The profile of a member and the entries of its sections."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.files.fields import PictureField

from ..audience import Audience

COVER_SIZE = (1500, 375)


class Profile(models.Model):
    """The long part of a member's page, and the audience of each section."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    cover = PictureField(_("cover"), folder="covers", sizes=COVER_SIZE[:1], ratio=COVER_SIZE, blank=True)
    about = models.TextField(_("about"), max_length=4000, blank=True)
    about_html = models.TextField(editable=False, blank=True, default="")

    about_audience = models.PositiveSmallIntegerField(
        _("about"), choices=Audience.choices, default=Audience.MEMBERS
    )
    links_audience = models.PositiveSmallIntegerField(
        _("links"), choices=Audience.choices, default=Audience.MEMBERS
    )
    experience_audience = models.PositiveSmallIntegerField(
        _("experience"), choices=Audience.choices, default=Audience.MEMBERS
    )
    education_audience = models.PositiveSmallIntegerField(
        _("education"), choices=Audience.choices, default=Audience.MEMBERS
    )
    skills_audience = models.PositiveSmallIntegerField(
        _("skills"), choices=Audience.choices, default=Audience.MEMBERS
    )

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return f"profile {self.pk}"

    @property
    def cover_url(self) -> str:
        """URL of the cover in 1,500 × 375 px, or ""; the caller must check `user.shows("photo")` first."""
        return Profile.cover.field.url_for(self)


class Entry(models.Model):
    """An entry of a profile section."""

    # Most entries of a kind per member.
    MOST: ClassVar[int] = 50

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)s_set")

    class Meta:
        abstract = True


class Experience(Entry):
    """A position; months are stored as their first day."""

    title = models.CharField(_("title"), max_length=120)
    employer = models.CharField(_("employer"), max_length=120)
    location = models.CharField(_("location"), max_length=80, blank=True)
    start = models.DateField(_("from"))
    end = models.DateField(_("until"), null=True, blank=True)
    description = models.TextField(_("description"), max_length=2000, blank=True)

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("experience")
        # Present positions first, then by their start, newest first.
        ordering = [F("end").desc(nulls_first=True), "-start", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")),
                name="users_experience_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.employer}"


class Education(Entry):
    """A course of study; the end may be in the future."""

    school = models.CharField(_("school"), max_length=120)
    degree = models.CharField(_("degree"), max_length=120, blank=True)
    field = models.CharField(_("field of study"), max_length=120, blank=True)
    start_year = models.PositiveSmallIntegerField(_("from"))
    end_year = models.PositiveSmallIntegerField(_("until"), null=True, blank=True)
    description = models.TextField(_("description"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("education entry")
        verbose_name_plural = _("education")
        ordering = [F("end_year").desc(nulls_first=True), "-start_year", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_year__isnull=True) | Q(end_year__gte=F("start_year")),
                name="users_education_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return self.school


class Skill(Entry):
    """Something a member can do."""

    name = models.CharField(_("skill"), max_length=60)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint("user", Lower("name"), name="users_skill_once_each")]

    def __str__(self) -> str:
        return self.name


class Link(Entry):
    """A website of the member."""

    MOST = 10

    label = models.CharField(_("label"), max_length=60)
    url = models.URLField(_("address"), max_length=300, validators=[URLValidator(schemes=["http", "https"])])

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.label
