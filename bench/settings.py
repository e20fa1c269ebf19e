"""The settings of benches: those of the tests, on a kept database connection, compressed, with the bare view."""

from professional_network.settings.test import *  # noqa: F403 -- all of it, as the other settings do
from professional_network.settings.test import DATABASES, MIDDLEWARE

# As in production: compression is a part of what a page costs.
MIDDLEWARE = ["core.web.compression.CompressionMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "bench.urls"
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
LOGGING = {"version": 1, "disable_existing_loggers": False}
# A bench asks more often than any member may.
MEMBER_LIMITS_FACTOR = 0
