"""What the state of a conversation forbids; the text is for the member."""


class MessagingError(Exception):
    """An act that is refused. `code` names the reason to programs."""

    code = "refused"


class NotAMember(MessagingError):
    """The member is not in the conversation (any more)."""

    code = "not_in"


class NotReachable(MessagingError):
    """One of the two has blocked the other, or is gone."""

    code = "blocked"


class TooManyUnanswered(MessagingError):
    """A request holds only a few messages until it is accepted."""

    code = "unanswered"


class SendingRateLimited(MessagingError):
    """More messages, or more first messages to strangers, than a person writes."""

    code = "too_fast"

    def __init__(self, text: str, *, wait: int) -> None:
        super().__init__(text)
        # Seconds after which it may go on.
        self.wait = wait


class EmptyMessage(MessagingError):
    """A message needs words, a picture or a file."""

    code = "empty"


class ClientIdTaken(MessagingError):
    """The same client id was used for something else."""

    code = "client_id_taken"


class NotChangeable(MessagingError):
    """Only what one has written oneself, and not deleted, can be changed."""

    code = "not_changeable"


class NotAGroup(MessagingError):
    """A conversation of two has no title, and nobody comes or goes."""

    code = "not_a_group"


class TooMany(MessagingError):
    """A group is full."""

    code = "too_many"
