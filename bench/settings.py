"""Settings of benches: those of the tests, with persistent connections, compression and the bare view."""

from professional_network.settings.test import *  # noqa: F403 -- all of it, as the other settings do
from professional_network.settings.test import DATABASES, MIDDLEWARE

# As in production: compression is a part of the cost of a page.
MIDDLEWARE = ["core.web.compression.CompressionMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "bench.urls"
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
LOGGING = {"version": 1, "disable_existing_loggers": False}
# A bench sends more requests than a member may.
MEMBER_LIMITS_FACTOR = 0
