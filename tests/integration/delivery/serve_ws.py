"""What daphne serves here: the product, with a clock that may be wrong, a quicker heart, and broken on request."""

import os
from typing import Any

from . import broken, clock

clock.wear()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")

from django.core.asgi import get_asgi_application  # noqa: E402

# The settings and the models, which what follows needs.
get_asgi_application()

from core.sockets import heartbeat  # noqa: E402

# Before core.sockets.application says it to tabs. Waiting for the real one would make each run longer by half a minute.
heartbeat.HEARTBEAT = float(os.environ["DELIVERY_HEARTBEAT"])
heartbeat.HEARTBEAT_ALONE = heartbeat.HEARTBEAT / 2

from professional_network.asgi import application as product  # noqa: E402


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve one request or one socket."""
    broken.follow()
    await product(scope, receive, send)
