"""Operators' tools and their commands: moving to PostgreSQL, backup and restore, doctor."""
