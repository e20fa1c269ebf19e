"""Creates conversations in bulk, with the rows that messaging.services would store."""

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

from .members import SEED

BATCH = 500
# Members for each conversation of two, and for each group. BENCH has some, too.
MEMBERS_PER_PAIR, MEMBERS_PER_GROUP = 4, 200
BENCH_PAIRS = 12
MAX_MESSAGES = 11
GROUP_SIZES = (2, 6)
# Conversations for each one with a picture.
PAIRS_PER_PICTURE = 100
UNREAD_SHARE = 0.25


@dataclass(frozen=True)
class MessageText:
    """The text of a message, rendered once for all entries that have it."""

    text: str
    html: str
    search_text: str


@dataclass
class ConversationDraft:
    """A conversation to be stored. Its first member starts it; `authors` and `texts` are in order."""

    members: Sequence[int]
    start: datetime
    end: datetime
    authors: list[int]
    texts: list[MessageText]
    title: str = ""
    picture: bool = False
    conversation: Conversation = field(default_factory=Conversation)

    @property
    def joins(self) -> int:
        """The number of entries about added members."""
        return len(self.members) - 1 if self.title else 0

    @property
    def last_seq(self) -> int:
        return self.joins + len(self.texts)


def create_conversations(bench: int, members: int) -> int:
    """Create conversations between connections, some of BENCH; return the number of messages."""
    rng = random.Random(f"{SEED}:talks")  # noqa: S311 -- repeatable on purpose
    texts = [MessageText(text, to_html(text), search_key(text)) for text in _load_texts()]
    drafts = [*_pairs(bench, members, texts, rng), *_groups(members, texts, rng)]
    # Inboxes are sorted by the id of the newest entry.
    drafts.sort(key=lambda draft: draft.end)
    picture = _picture() if any(draft.picture for draft in drafts) else []
    for first in range(0, len(drafts), BATCH):
        _store(drafts[first : first + BATCH], picture, rng)
    return sum(len(draft.texts) for draft in drafts)


def _load_texts() -> list[str]:
    return [
        line[2] for conversation in content.load_conversations() for line in conversation.lines if line[2]
    ]


def _pairs(
    bench: int, members: int, texts: list[MessageText], rng: random.Random
) -> Iterator[ConversationDraft]:
    """Yield conversations of two connected members."""
    connected = Connection.objects.connected()
    mine = list(connected.of_member(bench).order_by("pk").values_list("pk", flat=True)[:BENCH_PAIRS])
    others = connected.exclude(Q(low=bench) | Q(high=bench)).order_by("pk").values_list("pk", flat=True)
    chosen = [*mine, *rng.sample(list(others), min(len(others), members // MEMBERS_PER_PAIR))]
    rows = connected.in_bulk(chosen)
    for number, pk in enumerate(chosen):
        connection = rows[pk]
        draft = _draft((connection.inviter_id, connection.invitee_id), connection.connected_at, texts, rng)
        draft.picture = number % PAIRS_PER_PICTURE == 0
        yield draft


def _groups(members: int, texts: list[MessageText], rng: random.Random) -> Iterator[ConversationDraft]:
    """Yield groups, each of a member and some of the member's connections."""
    rows = Connection.objects.connected().order_by("low", "pk").values_list("low", "high")
    known = {low: [high for _low, high in pairs] for low, pairs in groupby(rows, key=lambda pair: pair[0])}
    candidates = [low for low, others in known.items() if len(others) >= GROUP_SIZES[0]]
    for number, founder in enumerate(
        rng.sample(candidates, min(len(candidates), 1 + members // MEMBERS_PER_GROUP)), 1
    ):
        others = rng.sample(known[founder], min(len(known[founder]), rng.randint(*GROUP_SIZES)))
        draft = _draft((founder, *others), timezone.now() - timedelta(days=rng.uniform(5, 300)), texts, rng)
        draft.title = f"Project {number}"
        yield draft


def _draft(
    members: Sequence[int], since: datetime | None, texts: list[MessageText], rng: random.Random
) -> ConversationDraft:
    """Return a conversation of these members at a random time after `since`."""
    now = timezone.now()
    start = now - (now - (since or now)) * rng.random()
    end = start + min(now - start, timedelta(days=rng.uniform(0, 20)))
    count = rng.randint(1, MAX_MESSAGES)
    authors = [members[0], *rng.choices(members, k=count - 1)]
    return ConversationDraft(members, start, end, authors, rng.choices(texts, k=count))


def _store(drafts: list[ConversationDraft], picture: list[images.Encoded], rng: random.Random) -> None:
    for draft in drafts:
        draft.conversation = Conversation(
            title=draft.title,
            pair=None if draft.title else Conversation.pair_of(*draft.members),
            created_by_id=draft.members[0],
            created_at=draft.start,
            last_seq=draft.last_seq,
        )
    Conversation.objects.bulk_create([draft.conversation for draft in drafts])
    entries = [list(_entries(draft, rng)) for draft in drafts]
    Entry.objects.bulk_create([entry for each in entries for entry in each])
    Membership.objects.bulk_create(
        [
            row
            for draft, each in zip(drafts, entries, strict=True)
            for row in _memberships(draft, each[-1].pk, rng)
        ]
    )
    Attachment.objects.bulk_create(
        [
            _attachment(each[draft.joins], picture)
            for draft, each in zip(drafts, entries, strict=True)
            if draft.picture
        ]
    )


def _entries(draft: ConversationDraft, rng: random.Random) -> Iterator[Entry]:
    """Yield the entries of a conversation: the added members, then the messages."""
    for seq, member in enumerate(draft.members[1 : draft.joins + 1], 1):
        yield Entry(
            conversation=draft.conversation,
            seq=seq,
            kind=Entry.Kind.JOINED,
            author_id=draft.members[0],
            subject_id=member,
            created_at=draft.start,
        )
    step = (draft.end - draft.start) / len(draft.texts)
    for index, (author, text) in enumerate(zip(draft.authors, draft.texts, strict=True), 1):
        yield Entry(
            conversation=draft.conversation,
            seq=draft.joins + index,
            author_id=author,
            client_id=uuid.UUID(int=rng.getrandbits(128), version=4),
            text=text.text,
            html=text.html,
            search_text=text.search_text,
            attached=int(draft.picture and index == 1),
            created_at=draft.start + step * index,
        )


def _memberships(draft: ConversationDraft, newest: int, rng: random.Random) -> Iterable[Membership]:
    """Yield the memberships; some members have read only up to their own latest message."""
    for index, member in enumerate(draft.members):
        behind = _count_since_own(draft.authors, member) if rng.random() < UNREAD_SHARE else 0
        # These entries are by other members, so all of them are unread.
        read = draft.last_seq - behind
        yield Membership(
            conversation=draft.conversation,
            member_id=member,
            is_owner=bool(draft.title) and index == 0,
            joined_at=draft.start,
            accepted_at=draft.start,
            delivered_seq=rng.randint(read, draft.last_seq),
            read_seq=read,
            unread=behind,
            sort_key=newest,
        )


def _count_since_own(authors: list[int], member: int) -> int:
    """Return the number of messages after the member's latest one."""
    latest = max((index for index, author in enumerate(authors, 1) if author == member), default=0)
    return len(authors) - latest


def _picture() -> list[images.Encoded]:
    """Return a picture in the sizes of an attachment; each message stores it in separate files."""
    return Attachment.stored.field.encode_picture(pictures.draw_picture("coast", seed=f"{SEED}:talks"))


def _attachment(entry: Entry, picture: list[images.Encoded]) -> Attachment:
    file = Attachment.stored.field.store_encoded(picture)
    return Attachment(
        entry=entry, kind=Attachment.Kind.PICTURE, stored=file.value, name="coast.webp", size=file.length
    )
