"""Moves the whole network from SQLite to PostgreSQL: an export is a folder, an import one transaction, and a
comparison checks that both sides are equal. `values` converts what columns hold, `files` lists and copies uploads.
docs/DATABASE_MIGRATION.md is the operator's guide.
"""
