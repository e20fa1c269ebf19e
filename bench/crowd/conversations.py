"""What the crowd writes to each other: rows as messaging.services would have left them, made in bulk."""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Q
from django.utils import timezone

from core.files import images
from core.text.folding import search_key
from demo import content, pictures
from messaging.models import Attachment, Conversation, Entry, Membership
from messaging.services.send import to_html
from network.models import Connection

from .people import SEED

BATCH = 500
# One conversation of two for so many members, one group for so many; BENCH has some, too.
MEMBERS_TO_A_PAIR, MEMBERS_TO_A_GROUP = 4, 200
BENCH_PAIRS = 12
MOST_LINES = 11
GROUP_SIZES = (2, 6)
# Every so many conversations one shows a picture.
PAIRS_TO_A_PICTURE = 100
UNREAD = 0.25


@dataclass(frozen=True)
class Line:
    """One message, rendered once for all who say it."""

    text: str
    html: str
    search_text: str


@dataclass
class Talk:
    """One conversation before it is stored: who is in it (the first began it) and who says what, in order."""

    members: Sequence[int]
    start: datetime
    end: datetime
    speakers: list[int]
    lines: list[Line]
    title: str = ""
    picture: bool = False
    conversation: Conversation = field(default_factory=Conversation)

    @property
    def joins(self) -> int:
        """How many entries tell who was taken in."""
        return len(self.members) - 1 if self.title else 0

    @property
    def last_seq(self) -> int:
        return self.joins + len(self.lines)


def make_talks(bench: int, members: int) -> int:
    """Let some of the crowd's connections talk, BENCH among them; returns the number of messages."""
    dice = random.Random(f"{SEED}:talks")  # noqa: S311 -- repeatable on purpose
    lines = [Line(text, to_html(text), search_key(text)) for text in _texts()]
    talks = [*_pairs(bench, members, lines, dice), *_groups(members, lines, dice)]
    # Lists are sorted by what was stored last.
    talks.sort(key=lambda talk: talk.end)
    picture = _picture() if any(talk.picture for talk in talks) else []
    for first in range(0, len(talks), BATCH):
        _store(talks[first : first + BATCH], picture, dice)
    return sum(len(talk.lines) for talk in talks)


def _texts() -> list[str]:
    return [line[2] for talk in content.load_conversations() for line in talk.lines if line[2]]


def _pairs(bench: int, members: int, lines: list[Line], dice: random.Random) -> Iterator[Talk]:
    """Conversations of two connections."""
    connected = Connection.objects.connected()
    mine = list(connected.of_member(bench).order_by("pk").values_list("pk", flat=True)[:BENCH_PAIRS])
    others = connected.exclude(Q(low=bench) | Q(high=bench)).order_by("pk").values_list("pk", flat=True)
    chosen = [*mine, *dice.sample(list(others), min(len(others), members // MEMBERS_TO_A_PAIR))]
    rows = connected.in_bulk(chosen)
    for number, pk in enumerate(chosen):
        tie = rows[pk]
        talk = _talk((tie.inviter_id, tie.invitee_id), tie.connected_at, lines, dice)
        talk.picture = number % PAIRS_TO_A_PICTURE == 0
        yield talk


def _groups(members: int, lines: list[Line], dice: random.Random) -> Iterator[Talk]:
    """Groups, each of one member and some of the member's connections."""
    rows = Connection.objects.connected().order_by("low", "pk").values_list("low", "high")
    known = {low: [high for _low, high in pairs] for low, pairs in groupby(rows, key=lambda pair: pair[0])}
    able = [low for low, others in known.items() if len(others) >= GROUP_SIZES[0]]
    for number, founder in enumerate(dice.sample(able, min(len(able), 1 + members // MEMBERS_TO_A_GROUP)), 1):
        others = dice.sample(known[founder], min(len(known[founder]), dice.randint(*GROUP_SIZES)))
        talk = _talk((founder, *others), timezone.now() - timedelta(days=dice.uniform(5, 300)), lines, dice)
        talk.title = f"Project {number}"
        yield talk


def _talk(members: Sequence[int], since: datetime | None, lines: list[Line], dice: random.Random) -> Talk:
    """What these members say to each other some time after `since`."""
    now = timezone.now()
    start = now - (now - (since or now)) * dice.random()
    end = start + min(now - start, timedelta(days=dice.uniform(0, 20)))
    count = dice.randint(1, MOST_LINES)
    speakers = [members[0], *dice.choices(members, k=count - 1)]
    return Talk(members, start, end, speakers, dice.choices(lines, k=count))


def _store(talks: list[Talk], picture: list[images.Encoded], dice: random.Random) -> None:
    for talk in talks:
        talk.conversation = Conversation(
            title=talk.title,
            pair=None if talk.title else Conversation.pair_of(*talk.members),
            created_by_id=talk.members[0],
            created_at=talk.start,
            last_seq=talk.last_seq,
        )
    Conversation.objects.bulk_create([talk.conversation for talk in talks])
    entries = [list(_entries(talk, dice)) for talk in talks]
    Entry.objects.bulk_create([entry for each in entries for entry in each])
    Membership.objects.bulk_create(
        [
            row
            for talk, each in zip(talks, entries, strict=True)
            for row in _memberships(talk, each[-1].pk, dice)
        ]
    )
    Attachment.objects.bulk_create(
        [
            _attachment(each[talk.joins], picture)
            for talk, each in zip(talks, entries, strict=True)
            if talk.picture
        ]
    )


def _entries(talk: Talk, dice: random.Random) -> Iterator[Entry]:
    """The log of a conversation: who was taken in, then the messages, numbered from one without a gap."""
    for seq, member in enumerate(talk.members[1 : talk.joins + 1], 1):
        yield Entry(
            conversation=talk.conversation,
            seq=seq,
            kind=Entry.Kind.JOINED,
            author_id=talk.members[0],
            subject_id=member,
            created_at=talk.start,
        )
    step = (talk.end - talk.start) / len(talk.lines)
    for place, (speaker, line) in enumerate(zip(talk.speakers, talk.lines, strict=True), 1):
        yield Entry(
            conversation=talk.conversation,
            seq=talk.joins + place,
            author_id=speaker,
            client_id=uuid.UUID(int=dice.getrandbits(128), version=4),
            text=line.text,
            html=line.html,
            search_text=line.search_text,
            attached=int(talk.picture and place == 1),
            created_at=talk.start + step * place,
        )


def _memberships(talk: Talk, newest: int, dice: random.Random) -> Iterable[Membership]:
    """Everybody has read to the end, but for some who have not come back since they last spoke."""
    for place, member in enumerate(talk.members):
        behind = _since_last_words(talk.speakers, member) if dice.random() < UNREAD else 0
        # What lies behind is of others: all of it is unread.
        read = talk.last_seq - behind
        yield Membership(
            conversation=talk.conversation,
            member_id=member,
            is_owner=bool(talk.title) and place == 0,
            joined_at=talk.start,
            accepted_at=talk.start,
            delivered_seq=dice.randint(read, talk.last_seq),
            read_seq=read,
            unread=behind,
            place=newest,
        )


def _since_last_words(speakers: list[int], member: int) -> int:
    """How many messages came after the member's latest one."""
    latest = max((place for place, speaker in enumerate(speakers, 1) if speaker == member), default=0)
    return len(speakers) - latest


def _picture() -> list[images.Encoded]:
    """One picture in the sizes of an attachment; each message gets its own files with these bytes."""
    return Attachment.stored.field.encode_picture(pictures.draw_picture("coast", seed=f"{SEED}:talks"))


def _attachment(entry: Entry, picture: list[images.Encoded]) -> Attachment:
    file = Attachment.stored.field.store_encoded(picture)
    return Attachment(
        entry=entry, kind=Attachment.Kind.PICTURE, stored=file.value, name="coast.webp", size=file.length
    )
