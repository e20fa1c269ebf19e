"""Whether workers of background tasks are ready."""

from typing import cast

import redis


def is_consuming(redis_url: str) -> bool:
    """Return whether a worker waits for messages in this Redis."""
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1)
    try:
        clients = cast(list[dict[str, str]], client.client_list())
        return any(connected["cmd"] == "brpop" for connected in clients)
    except redis.RedisError:
        return False
    finally:
        client.close()
