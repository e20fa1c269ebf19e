"""An ASGI application for daphne: ours, with a consumer of the tests' own where the product has none yet."""

import asyncio
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.urls import path

from professional_network.asgi import http

from core.asgi import sockets  # isort: skip -- Django is set up by the line above
from core.database import in_database  # isort: skip
from users.models import User  # isort: skip

GROUP = "tests.room"


class Room(AsyncJsonWebsocketConsumer):
    """Says hello, counts when asked, and tells what it hears from the layer."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send_json({"type": "hello", "member": str(self.scope["user"])})

    async def receive_json(self, content: dict[str, Any], **options: Any) -> None:
        counts = await asyncio.gather(*(in_database(User.objects.count) for _ in range(content["times"])))
        await self.send_json({"type": "counts", "counts": counts})

    async def look(self, event: dict[str, Any]) -> None:
        """A consumer that only sends: nothing but this touches the database."""
        await self.send_json(
            {"type": "look", "id": event["id"], "members": await in_database(User.objects.count)}
        )

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)


room: Any = Room.as_asgi()
application = ProtocolTypeRouter({"http": http, "websocket": sockets([path("ws/", room)])})
