"""Connections, follows and blocks between members, and members as a viewer may see them."""

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least
from django.db.models.lookups import Exact, IsNull
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.text.folding import name_key
from users.audience import Audience, Closeness
from users.models import User

Viewer = User | AnonymousUser


def viewer_of(pk: int | None) -> Viewer:
    """Return the member with this id, without a query, or a visitor for None: for queries that are compiled."""
    return AnonymousUser() if pk is None else User(pk=pk)


# Further words of a search are ignored.
MOST_WORDS = 6

# A member's id, or a reference to one in an outer query.
MemberId = int | Combinable


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Rows of pairs of members: invitations and connections."""

    def connected(self) -> "ConnectionQuerySet":
        return self.filter(state=Connection.State.CONNECTED)

    def of_member(self, member: MemberId) -> "ConnectionQuerySet":
        return self.filter(Q(low=member) | Q(high=member))

    def other_ends(self, member: MemberId) -> models.QuerySet["Connection", int]:
        """The ids of the other members of the pairs of `member`."""
        other = Case(
            When(low=member, then=F("high")), default=F("low"), output_field=models.BigIntegerField()
        )
        return self.of_member(member).annotate(other=other).values_list("other", flat=True)

    def with_each(self, member: int, others: Collection[int]) -> "ConnectionQuerySet":
        """The rows of the pairs of `member` and each of `others`, found pair by pair, however many `member` has."""
        pairs = Member.objects.filter(pk__in=others).annotate(pair=_pair_column("pk", member, OuterRef("pk")))
        return self.filter(pk__in=pairs.values("pair"))

    def between(self, one: int, two: int) -> "ConnectionQuerySet":
        low, high = sorted((one, two))
        return self.filter(low=low, high=high)

    def received_by(self, member: User) -> "ConnectionQuerySet":
        """Invitations that `member` has received and has neither accepted nor ignored."""
        return self._pending_of(member).exclude(inviter=member).filter(ignored_at=None)

    def sent_by(self, member: User) -> "ConnectionQuerySet":
        """Invitations from `member` that are not accepted; the inviter cannot see which ones are ignored."""
        return self._pending_of(member).filter(inviter=member)

    def available_to(self, viewer: User) -> "ConnectionQuerySet":
        """Pairs of which both members are available to the viewer: none with a suspended member."""
        return self.filter(available_to(viewer, "low"), available_to(viewer, "high"))

    def _pending_of(self, member: User) -> "ConnectionQuerySet":
        return self.of_member(member.pk).filter(state=Connection.State.INVITED)


class Connection(models.Model):
    """The single row of a pair of members: an invitation until it is accepted, then a connection."""

    class State(models.IntegerChoices):
        INVITED = 0, _("invited")
        CONNECTED = 1, _("connected")

    low = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    high = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    inviter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.INVITED)
    note = models.CharField(_("note"), max_length=300, blank=True)
    invited_at = models.DateTimeField(default=timezone.now)
    ignored_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ConnectionQuerySet] = ConnectionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="network_one_row_per_pair"),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="network_pair_in_order"),
            models.CheckConstraint(
                condition=Q(inviter=F("low")) | Q(inviter=F("high")), name="network_inviter_is_of_the_pair"
            ),
        ]
        indexes = [
            models.Index(fields=["high", "low"], name="network_pair_from_high"),
            # Open invitations of a member, whatever the number of connections.
            models.Index(fields=["low"], name="network_invited_low", condition=Q(state=0)),
            models.Index(fields=["high"], name="network_invited_high", condition=Q(state=0)),
        ]

    def __str__(self) -> str:
        return f"{self.low_id}–{self.high_id} {self.get_state_display()}"

    @property
    def is_connected(self) -> bool:
        return self.state == self.State.CONNECTED

    @property
    def invitee_id(self) -> int:
        return self.high_id if self.inviter_id == self.low_id else self.low_id

    def other_id_for(self, member: User) -> int:
        return self.high_id if self.low_id == member.pk else self.low_id


class Follow(models.Model):
    """`follower` reads the posts of `followed` without being connected."""

    follower = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    followed = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("follow")
        verbose_name_plural = _("follows")
        constraints = [
            models.UniqueConstraint(fields=["follower", "followed"], name="network_follow_once"),
            models.CheckConstraint(condition=~Q(follower=F("followed")), name="network_follow_another"),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.followed_id}"


class Block(models.Model):
    """`blocker` and `blocked` do not exist for each other."""

    blocker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    blocked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="network_block_once"),
            models.CheckConstraint(condition=~Q(blocker=F("blocked")), name="network_block_another"),
        ]
        indexes = [models.Index(fields=["blocked", "blocker"], name="network_block_from_blocked")]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


def available_to(viewer: Viewer | OuterRef, path: str = "") -> Q:
    """Return the condition that a member is available to `viewer`; `path` is the lookup from the model ("author").

    Where the viewer differs by row, `viewer` is a reference to the column that holds it: OuterRef("recipient").

    A member is available if an address is confirmed, the account is neither deactivated nor suspended, and there is no
    block between member and viewer in either direction.
    """
    prefix = f"{path}__" if path else ""
    available = Q(
        **{f"{prefix}is_active": True, f"{prefix}suspended_at": None, f"{prefix}joined_at__isnull": False},
    )
    if isinstance(viewer, AnonymousUser):
        return available
    member = OuterRef(f"{path}_id" if path else "pk")
    blocked_me = Block.objects.filter(blocker=member, blocked=viewer)
    blocked_by_me = Block.objects.filter(blocker=viewer, blocked=member)
    return available & ~Q(Exists(blocked_me)) & ~Q(Exists(blocked_by_me))


def connected_with(viewer: User | OuterRef, path: str = "") -> Q:
    """The condition that a member is a connection of `viewer`; `viewer` and `path` are those of available_to."""
    one = viewer if isinstance(viewer, OuterRef) else viewer.pk
    return are_connected(one, OuterRef(f"{path}_id" if path else "pk"))


def are_connected(one: MemberId, other: MemberId) -> Q:
    """The condition that two members are connected; both are ids, or references to columns.

    The row of the pair is looked up for each row that is compared. With EXISTS, PostgreSQL may read all connections of
    a member instead, which takes as long as there are many.
    """
    return Q(Exact(_pair_column("state", one, other), Connection.State.CONNECTED))


def are_paired(one: MemberId, other: MemberId) -> Q:
    """The condition that two members are connected, or one has invited the other, even if the other ignored it."""
    return Q(IsNull(_pair_column("pk", one, other), False))


def _pair_column(column: str, one: MemberId, other: MemberId) -> Subquery:
    """The value of `column` in the row of two members, or NULL where there is none."""
    ends = [Value(end, models.BigIntegerField()) if isinstance(end, int) else end for end in (one, other)]
    pair = Connection.objects.filter(low=Least(*ends), high=Greatest(*ends))
    return Subquery(pair.values(column))


class MemberQuerySet(models.QuerySet["Member"]):
    """Members as others see them."""

    def visible_to(self, viewer: Viewer) -> "MemberQuerySet":
        """Members who are available to the viewer; visitors see only members with a public page."""
        visible = self.filter(available_to(viewer))
        return visible.filter(page_audience=Audience.PUBLIC) if isinstance(viewer, AnonymousUser) else visible

    def for_display(self, viewer: Viewer) -> "MemberQuerySet":
        """Add `closeness` to the viewer, which decides what the audience of each section allows (User.shows)."""
        if isinstance(viewer, AnonymousUser):
            return self._with_closeness(Value(int(Closeness.VISITOR)))
        return self._with_closeness(
            Case(
                When(pk=viewer.pk, then=int(Closeness.SELF)),
                When(are_connected(viewer.pk, OuterRef("pk")), then=int(Closeness.CONNECTION)),
                default=int(Closeness.MEMBER),
                output_field=models.SmallIntegerField(),
            )
        )

    def _with_closeness(self, closeness: Combinable) -> "MemberQuerySet":
        # As a dict, since the model class declares an attribute of this name: the default for other queries.
        return self.annotate(**{"closeness": closeness})  # noqa: PIE804

    def connected_to(self, member: MemberId) -> "MemberQuerySet":
        return self.filter(pk__in=Connection.objects.connected().other_ends(member))

    def followed_by(self, member: User) -> "MemberQuerySet":
        return self.filter(pk__in=Follow.objects.filter(follower=member).values("followed"))

    def blocked_by(self, member: User) -> "MemberQuerySet":
        return self.filter(pk__in=Block.objects.filter(blocker=member).values("blocked"))

    def named(self, typed: str) -> "MemberQuerySet":
        """Members whose name or username has, for each word in `typed`, a word that begins with it; all without any."""
        patterns = name_patterns(typed)
        return self.none() if typed and not patterns else self.matching(patterns)

    def matching(self, patterns: Sequence[str]) -> "MemberQuerySet":
        """Members who match, for each word, one of its patterns of name_patterns."""
        found = self
        for start in range(0, len(patterns), len(_WORD_PATTERNS)):
            begins = Q()
            for (column, _pattern), pattern in zip(_WORD_PATTERNS, patterns[start:], strict=False):
                begins |= Q(_Like(F(column), Value(pattern, output_field=models.TextField())))
            found = found.filter(begins)
        return found


# Where a word begins: at the start, or after a blank or a sign.
_WORD_PATTERNS = (
    ("sort_name", "{}%"),
    ("sort_name", "% {}%"),
    ("username", "{}%"),
    ("username", "%.{}%"),
    ("username", "%-{}%"),
    ("username", "%\\_{}%"),
)


class _Like(models.Func):
    """SQL's LIKE, whose pattern is a value as it is: `startswith` and `contains` make it of theirs."""

    template = "(%(expressions)s ESCAPE '\\')"
    arg_joiner = " LIKE "
    arity = 2
    output_field = models.BooleanField()


def name_patterns(typed: str) -> list[str]:
    """Return the patterns of LIKE for each word in `typed`, the same number for each."""
    escaped = [re.sub(r"([\\%_])", r"\\\1", word) for word in name_key(typed).split()[:MOST_WORDS]]
    return [pattern.format(word) for word in escaped for _column, pattern in _WORD_PATTERNS]


class Member(User):
    """A user as other members see them."""

    objects: ClassVar[MemberQuerySet] = MemberQuerySet.as_manager()  # type: ignore[assignment]

    # The number of mutual connections with the viewer, set by graph.suggest_members.
    mutual: int = 0

    class Meta:
        proxy = True
        verbose_name = _("member")
        verbose_name_plural = _("members")
