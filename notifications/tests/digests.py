"""Members with something to say to each other in a digest, and digests as they are sent."""

from datetime import date, datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from network.models import Member
from notifications import services
from notifications.digest.content import Digest, build_digest, load_sources
from notifications.digest.mailing import send_batch
from notifications.digest.schedule import Frequency
from notifications.models import DigestSchedule
from tests.cast import make_member
from users.models import Education, Experience, Profile, User

from .factories import Commit, take_mails

SCHOOL, EMPLOYER = "Universität Graz", "Harbour Works"


def add_school(member: User, school: str = SCHOOL) -> None:
    Education.objects.create(user=member, school=school, start_year=2010)


def add_employer(member: User, employer: str = EMPLOYER) -> None:
    Experience.objects.create(user=member, title="Engineer", employer=employer, start=date(2020, 1, 1))


def make_schoolmate(username: str, *, audience: int | None = None, **values: Any) -> User:
    """Create a member of SCHOOL; `audience` is that of the education in the profile."""
    member = make_member(username, **values)
    add_school(member)
    if audience is not None:
        Profile.objects.filter(user=member).update(education_audience=audience)
    return member


def digest_of(member: User, since: datetime | None = None) -> Digest:
    """The digest of the last week, or of the time since then."""
    since = since or timezone.now() - timedelta(days=7)
    return build_digest(Member.objects.get(pk=member.pk), load_sources(since), since)


def titles_in(digest: Digest, name: str) -> list[str]:
    """The titles of the rows of a section."""
    return [row.title for section in digest.sections if section.name == name for row in section.rows]


def make_due(*members: User, at: datetime | None = None, **values: Any) -> None:
    """Let the daily digests of these members be due, and no others."""
    DigestSchedule.objects.all().delete()
    for member in members:
        services.set_digest(member=member, frequency=Frequency.DAILY)
    due = at or timezone.now() - timedelta(minutes=1)
    DigestSchedule.objects.update(next_at=due, **values)


def send_digests(committed: Commit, now: datetime | None = None) -> list[EmailMultiAlternatives]:
    """Send what is due, and return the mails."""
    take_mails()
    with committed():
        send_batch(now)
    return take_mails()
