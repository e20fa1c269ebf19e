"""Signed tokens for links that turn mail off without signing in."""

from django.core.signing import BadSignature, Signer

from ..kinds import Channel, Kind, channels_of

# A mail about several kinds turns all of them off.
ALL = "all"

_signer = Signer(sep=".", salt="notifications.unsubscribe")
_digest_signer = Signer(sep=".", salt="notifications.unsubscribe.digest")


def token_for(member_id: int, kind: Kind | None) -> str:
    """A token that turns off mail about `kind`, or about every kind, for one member.

    It contains nothing else and does not expire: a mail may be read years later.
    """
    return _signer.sign(f"{member_id}-{kind.value if kind else ALL}")


def read_token(token: str) -> tuple[int, list[Kind]] | None:
    """The member id and the kinds in a token, or None if its signature is invalid."""
    try:
        member, _sep, kind = _signer.unsign(token).partition("-")
    except BadSignature:
        return None
    mailed = [each for each in Kind if Channel.MAIL in channels_of(each)]
    return int(member), mailed if kind == ALL else [Kind(kind)]


def digest_token_for(member_id: int) -> str:
    """A token that turns the digest off for one member. It does not expire."""
    return _digest_signer.sign(str(member_id))


def read_digest_token(token: str) -> int | None:
    """The member id in a token of the digest, or None if its signature is invalid."""
    try:
        return int(_digest_signer.unsign(token))
    except BadSignature:
        return None
