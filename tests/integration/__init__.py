"""Real servers: PostgreSQL, Redis and what talks to them."""
