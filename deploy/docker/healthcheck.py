"""Exit 0 when the server of this container says that it is well.

The port is PORT, or the one that listens: 8000 for pages, 8001 for WebSockets. Only a plain 200 from LinkUp itself
counts: a redirect, another server's page or an error does not. Needs nothing but Python.
"""

import http.client
import json
import os
import sys

PATIENCE = 4.0


def is_well(port: int) -> bool:
    """Whether LinkUp answers on this port, by its own words."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/health/", headers={"Host": "localhost"})
        answer = connection.getresponse()
        said = json.loads(answer.read(10_000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return (
        answer.status == http.client.OK and isinstance(said, dict) and said.get("status") in {"ok", "healthy"}
    )


if __name__ == "__main__":
    given = os.environ.get("PORT", "")
    ports = [int(given)] if given.isdigit() else [8000, 8001]
    sys.exit(0 if any(is_well(port) for port in ports) else 1)
