"""Queries of the feed that are compiled once: comments, reactions, lists of posts."""
