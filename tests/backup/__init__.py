"""Backup and restore: what is in a file, what is refused, and that a damaged file is never believed."""
