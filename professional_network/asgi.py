"""The entry point for ASGI servers: daphne for `/ws/`, or gunicorn's asgi worker for everything on one port."""

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from .start import choose_settings, refuse_without_manifest, warm_up

choose_settings()

http = get_asgi_application()

# These need the settings and the models that the line above has loaded.
from core.database.thread_pool import limit_waiting, serve_asynchronously  # noqa: E402
from core.sockets.application import socket_application  # noqa: E402
from core.sockets.daphne_close_codes import allow_all_close_codes  # noqa: E402
from core.sockets.frame_limits import limit_frames  # noqa: E402
from core.web.request_bodies.asgi_bodies import LimitBodies, limit_daphne_bodies  # noqa: E402

refuse_without_manifest()
limit_waiting()
serve_asynchronously()
allow_all_close_codes()
limit_frames()
limit_daphne_bodies()
warm_up()

application = ProtocolTypeRouter({"http": LimitBodies(http), "websocket": socket_application})
