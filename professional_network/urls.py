"""Every address of the network."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter

from core import media_views, metrics_views
from core.converters import IdConverter
from core.health_views import health, health_database, health_redis, readiness
from users.views import ConfirmEmailView, SignupView

register_converter(IdConverter, "id")

handler400 = "core.errors.bad_request"
handler403 = "core.errors.permission_denied"
handler404 = "core.errors.not_found"
handler429 = "core.errors.too_many_requests"  # asked for by allauth's limits
handler500 = "core.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("feed.urls")),
    # Before allauth's own of the same names.
    path("accounts/signup/", SignupView.as_view(), name="account_signup"),
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$",
        ConfirmEmailView.as_view(),
        name="account_confirm_email",
    ),
    path("accounts/", include("allauth.account.urls")),
    path("settings/", include("users.urls")),
    path("", include("network.urls")),
    path("", include("messaging.urls")),
    path("notifications/", include("notifications.urls")),
    path("admin/", admin.site.urls),
    # Public uploads, where no nginx and no bucket serves them.
    path("media/<path:name>", media_views.public, name="media"),
    # HealthMiddleware answers these before anything else; they stand here for their names.
    path("health/", health, name="health"),
    path("health/db/", health_database, name="health_db"),
    path("health/redis/", health_redis, name="health_redis"),
    path("readiness/", readiness, name="readiness"),
    path("metrics", metrics_views.page, name="metrics"),
]

if settings.DEBUG:
    urlpatterns += [path("theme/", include("theme.urls"))]
