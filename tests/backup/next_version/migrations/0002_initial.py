"""As it is today."""

from importlib import import_module

Migration = import_module("feed.migrations.0002_initial").Migration
