"""Errors that the feed's services raise, with messages for the member."""


class FeedError(Exception):
    """An action that the post's state forbids; the message is shown to the member."""


class NotRepostable(FeedError):
    """The post is not for all members."""


class AlreadyReposted(FeedError):
    """The member has a plain repost of this post already."""


class EmptyPost(FeedError):
    """A post needs a text, a picture, a document or an original."""


class AudienceHasAnswered(FeedError):
    """Others have reacted to, commented on or reposted the post, so its audience cannot be widened."""


class AudienceGrew(FeedError):
    """The post's audience was widened after the comment form was opened."""


class CommentDeleted(FeedError):
    """The comment to reply to was deleted in the meantime."""
