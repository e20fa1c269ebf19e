"""The pages of the feed: lists of posts, one post, and what members do there."""
