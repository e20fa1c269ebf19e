"""The page of a member, with the sections that a viewer may see."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from users.models import Profile, User

from .graph import Mutual, find_degree, mutual_connections
from .models import Member, Viewer
from .profile_sections import ProfileSections, load_sections, render_sections
from .relations import ConnectionState, Relation, load_relation


@dataclass(frozen=True)
class MemberPage:
    """The content of the page: every section that the viewer may not see is empty."""

    member: Member
    sections: ProfileSections
    cover_url: str = ""
    relation: Relation | None = None
    degree: int | None = None
    mutual: Mutual | None = None

    @property
    def sections_html(self) -> SafeString:
        return render_sections(self.sections)

    @property
    def is_mine(self) -> bool:
        return self.relation is not None and self.relation.state is ConnectionState.SELF


def load_member_page(viewer: Viewer, member: Member) -> MemberPage:
    """Return the page of `member` for `viewer`; the caller fetched `member` by find_member(viewer)."""
    profile: Profile = member.profile
    relation = mutual = degree = None
    if isinstance(viewer, User):
        relation = load_relation(viewer, member)
        if viewer.pk != member.pk:
            mutual = mutual_connections(viewer, member)
            is_connected = relation.state is ConnectionState.CONNECTED
            degree = find_degree(viewer, member, connected=is_connected, mutual=mutual.count)
    return MemberPage(
        member=member,
        sections=load_sections(member, profile),
        cover_url=profile.cover_url if member.shows("photo") else "",
        relation=relation,
        degree=degree,
        mutual=mutual,
    )
