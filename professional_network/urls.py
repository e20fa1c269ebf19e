"""Every address of the network."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter
from django.views.static import serve

from core.converters import IdConverter
from core.health_views import health
from users.views import ConfirmEmailView, SignupView

register_converter(IdConverter, "id")

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
    path("admin/", admin.site.urls),
    path("health/", health, name="health"),
]

if settings.DEBUG:
    urlpatterns += [
        path("theme/", include("theme.urls")),
        re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
    ]
