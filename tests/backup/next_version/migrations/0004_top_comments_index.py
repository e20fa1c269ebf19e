"""As it is today."""

from importlib import import_module

Migration = import_module("feed.migrations.0004_top_comments_index").Migration
