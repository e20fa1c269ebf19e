"""A member's page as one viewer may see it."""

from dataclasses import dataclass, field

from users.models import Education, Experience, Link, Profile, Skill, User

from .graph import Mutual, degree, mutual_connections
from .models import Member, Viewer
from .relations import Relation, Standing, relation


@dataclass(frozen=True)
class MemberPage:
    """What stands on the page: every section that the viewer may not see is empty."""

    member: Member
    cover_url: str = ""
    about_html: str = ""
    experience: list[Experience] = field(default_factory=list)
    education: list[Education] = field(default_factory=list)
    skills: list[Skill] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    relation: Relation | None = None
    degree: int | None = None
    mutual: Mutual | None = None

    @property
    def is_mine(self) -> bool:
        return self.relation is not None and self.relation.standing is Standing.SELF

    @property
    def is_empty(self) -> bool:
        return not (self.about_html or self.experience or self.education or self.skills or self.links)


def member_page(viewer: Viewer, member: Member) -> MemberPage:
    """The page of `member` for `viewer`; `member` was fetched by visible_to and for_display, with its profile."""
    profile: Profile = member.profile

    def shows(section: str) -> bool:
        return bool(getattr(profile, f"{section}_audience") <= member.closeness)

    tie = relation(viewer, member) if isinstance(viewer, User) else None
    mutual = (
        mutual_connections(viewer, member) if isinstance(viewer, User) and viewer.pk != member.pk else None
    )
    return MemberPage(
        member=member,
        cover_url=profile.cover_url if member.shows("photo") else "",
        about_html=profile.about_html if shows("about") else "",
        experience=list(Experience.objects.filter(user=member)) if shows("experience") else [],
        education=list(Education.objects.filter(user=member)) if shows("education") else [],
        skills=list(Skill.objects.filter(user=member)) if shows("skills") else [],
        links=list(Link.objects.filter(user=member)) if shows("links") else [],
        relation=tie,
        degree=_degree(viewer, member, tie, mutual),
        mutual=mutual,
    )


def _degree(viewer: Viewer, member: Member, tie: Relation | None, mutual: Mutual | None) -> int | None:
    if tie is None or mutual is None or not isinstance(viewer, User):
        return None
    return degree(viewer, member, connected=tie.standing is Standing.CONNECTED, mutual=mutual.count)
