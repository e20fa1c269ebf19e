"""Options that let several threads write to one SQLite file without "database is locked"."""

# IMMEDIATE takes the write lock when a transaction begins, so that read-then-write never has to upgrade its lock;
# WAL lets readers continue meanwhile; a writer waits for the lock for `timeout` seconds.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
