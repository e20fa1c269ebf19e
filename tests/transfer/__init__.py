"""The move from SQLite to PostgreSQL: formats, bad input, and whether every corruption is found."""
