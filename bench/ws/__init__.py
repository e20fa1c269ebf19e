"""The bench of sockets and messages: `python -m bench.ws`. See ../README.md."""
