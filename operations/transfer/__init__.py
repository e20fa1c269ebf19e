"""Carries the whole network from SQLite to PostgreSQL: an export is a folder, an import one transaction, and a
comparison tells whether both sides are the same. docs/DATABASE_MIGRATION.md is the operator's guide.
"""
