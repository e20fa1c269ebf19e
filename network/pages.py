"""The page of a member, with the sections that a viewer may see."""

from dataclasses import dataclass, field

from users.models import Education, Experience, Link, Profile, Skill, User

from .graph import Mutual, find_degree, mutual_connections
from .models import Member, Viewer
from .relations import ConnectionState, Relation, load_relation


@dataclass(frozen=True)
class MemberPage:
    """The content of the page: every section that the viewer may not see is empty."""

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
        return self.relation is not None and self.relation.state is ConnectionState.SELF

    @property
    def is_empty(self) -> bool:
        return not (self.about_html or self.experience or self.education or self.skills or self.links)


def load_member_page(viewer: Viewer, member: Member) -> MemberPage:
    """Return the page of `member` for `viewer`; the caller fetched `member` by visible_to and for_display."""
    profile: Profile = member.profile

    def is_shown(section: str) -> bool:
        return bool(getattr(profile, f"{section}_audience") <= member.closeness)

    relation = mutual = degree = None
    if isinstance(viewer, User):
        relation = load_relation(viewer, member)
        if viewer.pk != member.pk:
            mutual = mutual_connections(viewer, member)
            is_connected = relation.state is ConnectionState.CONNECTED
            degree = find_degree(viewer, member, connected=is_connected, mutual=mutual.count)
    return MemberPage(
        member=member,
        cover_url=profile.cover_url if member.shows("photo") else "",
        about_html=profile.about_html if is_shown("about") else "",
        experience=list(Experience.objects.filter(user=member)) if is_shown("experience") else [],
        education=list(Education.objects.filter(user=member)) if is_shown("education") else [],
        skills=list(Skill.objects.filter(user=member)) if is_shown("skills") else [],
        links=list(Link.objects.filter(user=member)) if is_shown("links") else [],
        relation=relation,
        degree=degree,
        mutual=mutual,
    )
