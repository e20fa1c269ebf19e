"""Answers by mail: a reply to the mail about a message or a comment is posted there."""
