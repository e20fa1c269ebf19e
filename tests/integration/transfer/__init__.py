"""The move from SQLite to PostgreSQL as an operator does it: with the scripts, in separate processes."""
