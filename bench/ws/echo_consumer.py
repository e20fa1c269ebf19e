"""The baseline of bench.ws: the simplest channels consumer, on the same layer and server."""

import os
from typing import Any
from urllib.parse import parse_qs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter


class EchoConsumer(AsyncWebsocketConsumer):
    """Joins the group that the URL names, and sends each received text to the group."""

    async def connect(self) -> None:
        self.group = parse_qs(self.scope["query_string"].decode())["group"][0]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(self.group, {"type": "echo.text", "text": text_data})

    async def echo_text(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)


async def respond_ok(scope: Any, receive: Any, send: Any) -> None:
    """Respond to every request with 200, for the health check."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


application = ProtocolTypeRouter({"http": respond_ok, "websocket": EchoConsumer.as_asgi()})
