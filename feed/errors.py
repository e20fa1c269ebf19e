"""What the verbs of the feed refuse, with words for the member."""


class FeedError(Exception):
    """An act that the state of the post forbids; the text is for the member."""


class MayNotBeReposted(FeedError):
    """The post is not for all members."""


class AlreadyReposted(FeedError):
    """The member has passed this post on without words before."""


class NothingSaid(FeedError):
    """A post needs words, a picture, a document or an original."""


class AudienceHasAnswered(FeedError):
    """Others have answered the post for the people who could see it."""


class AudienceGrew(FeedError):
    """More people can see the post than when the comment on it was written."""


class CommentGone(FeedError):
    """The comment to reply to was deleted meanwhile."""
