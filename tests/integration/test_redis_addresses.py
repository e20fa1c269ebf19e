"""Each way to write REDIS_URL, for everything that reads it, against a real Redis that asks for a password."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from scripts.programs import ROOT
from scripts.servers import HOST, redis_server, temporary_folder
from scripts.stack import production_environment

PASSWORD = "a password with / @ : # and more"
IN_AN_ADDRESS = "a%20password%20with%20%2F%20%40%20%3A%20%23%20and%20more"
# What reads the address: settings, cache, health, both layers. Says what each one found.
SCRIPT = """
import asyncio, json
import django; django.setup()
from django.conf import settings
from django.core.cache import cache
from channels.layers import get_channel_layer
from core.observability.health import ask_redis

async def layer():
    here = get_channel_layer()
    name = await here.new_channel()
    await here.group_add("linkup.test", name)
    await here.group_send("linkup.test", {"type": "hello"})
    return await asyncio.wait_for(here.receive(name), 20)

cache.set("written", 1)
from redis import Redis
written = len(list(Redis.from_url(settings.REDIS_URL).scan_iter("*written*")))
print(json.dumps({
    "health": ask_redis(),
    "cache": [cache.get("written"), written],
    "layer": asyncio.run(layer())["type"],
}))
"""
FOUND = {"health": "ok", "cache": [1, 1], "layer": "hello"}


def ask(address: str, layer: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """What a process of production says with this address."""
    (folder / "logs").mkdir(exist_ok=True)
    environment = production_environment("", address, folder)
    environment |= {"DATABASE_URL": "postgres://nobody@localhost/nothing", "CHANNEL_LAYER": layer}
    environment["DJANGO_SETTINGS_MODULE"] = "professional_network.settings"
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_password_and_a_socket_do_everywhere() -> None:
    guarded = redis_server(PASSWORD, unixsocket="linkup.sock", unixsocketperm="770")
    with temporary_folder(None) as folder, guarded as server:
        socket, port = server.folder / "linkup.sock", urlsplit(server.url).port
        assert socket.stat().st_mode & 0o777 == 0o770
        addresses = [
            f"redis://:{IN_AN_ADDRESS}@{HOST}:{port}/0",
            f"redis://default:{IN_AN_ADDRESS}@{HOST}:{port}/1",
            f"unix://:{IN_AN_ADDRESS}@{socket}",
            f"unix://:{IN_AN_ADDRESS}@{socket}?db=2",
        ]
        wrong = {}
        for address in addresses:
            for layer in ("core", "pubsub"):
                done = ask(address, layer, folder, "-c", SCRIPT)
                found = (
                    json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr[-2500:]
                )
                if found != FOUND:
                    wrong[f"{address} {layer}"] = found
        assert wrong == {}
