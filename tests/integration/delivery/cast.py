"""Who takes part in a run: twelve members, a stranger, three conversations of two, and two groups."""

from dataclasses import dataclass
from typing import Any

from tests.testkit.shell_scripts import SIGN_IN_FUNCTION

from .client import Person

MEMBERS = 12
PAIRS = ((0, 1), (2, 3), (4, 5))
GROUP = (6, 7, 8, 9)
# The first began it and may take others out; the last goes and comes back.
CLUB = (0, 6, 10, 11)
# The seats with a second tab, by index and conversation: of the first pair, the last one, and the group.
TWICE = ((0, 0), (4, 2), (7, 3))
STRANGER = MEMBERS


@dataclass(frozen=True)
class Cast:
    """The people and the ids of their conversations: those of two, the group, the club."""

    people: list[Person]
    pairs: list[int]
    group: int
    club: int
    # The first of the people once more, in another browser.
    elsewhere: Person

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Cast":
        """From what SCRIPT printed."""
        people = [Person(*person) for person in values["people"]]
        return cls(people, values["pairs"], values["group"], values["club"], Person(*values["elsewhere"]))

    @property
    def seats(self) -> dict[int, tuple[int, ...]]:
        """Who is in which conversation, by their indexes among the people."""
        return {**dict(zip(self.pairs, PAIRS, strict=True)), self.group: GROUP, self.club: CLUB}

    @property
    def members(self) -> dict[int, set[int]]:
        """Who was in which conversation at the beginning, by id."""
        return {
            conversation: {self.people[index].id for index in indexes}
            for conversation, indexes in self.seats.items()
        }


SCRIPT = (
    SIGN_IN_FUNCTION
    + f"""
import json, secrets
from django.utils import timezone
from messaging import services
from network.models import Connection
from users.models import User

def cast():
    run = secrets.token_hex(4)
    members = []
    for index in range({MEMBERS + 1}):
        name = f"m{{index}}-{{run}}"
        members.append(User.objects.create_user(name, f"{{name}}@example.org", None, joined_at=timezone.now()))
    now = timezone.now()
    Connection.objects.bulk_create(
        Connection(low=one, high=two, inviter=one, connected_at=now, state=1)
        for one in members[:{MEMBERS}]
        for two in members[:{MEMBERS}]
        if one.pk < two.pk
    )
    pairs = [services.start_direct(by=members[one], other=members[two]).pk for one, two in {PAIRS!r}]
    group, club = (
        services.start_group(by=members[seats[0]], members=[members[index] for index in seats[1:]], title="group").pk
        for seats in ({GROUP!r}, {CLUB!r})
    )
    people = [(member.pk, member.username, sign_in(member)) for member in members]
    elsewhere = (members[0].pk, members[0].username, sign_in(members[0]))
    return dict(people=people, pairs=pairs, group=group, club=club, elsewhere=elsewhere)

print(json.dumps([cast() for _ in range(NUMBER)]))
"""
)
