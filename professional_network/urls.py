"""All URLs of the site."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter
from django.views.generic import RedirectView

from core.bounces import views as bounce_views
from core.observability import metrics_views
from core.observability.health_views import health, health_database, health_redis, readiness
from core.web import well_known_views
from core.web.converters import IdConverter, TagConverter
from core.web.media import views as media_views
from users.accounts import views as account_views

# The admin has no separate sign-in: it uses the sign-in and the password change of all members.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = RedirectView.as_view(  # type: ignore[assignment]
    pattern_name="account_change_password"
)

register_converter(IdConverter, "id")
register_converter(TagConverter, "tag")

handler400 = "core.web.error_pages.bad_request"
handler403 = "core.web.error_pages.permission_denied"
handler404 = "core.web.error_pages.not_found"
handler429 = "core.web.error_pages.too_many_requests"  # asked for by allauth's limits
handler500 = "core.web.error_pages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("feed.urls")),
    # Before allauth's URLs of the same names.
    path("accounts/signup/", account_views.SignupView.as_view(), name="account_signup"),
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$",
        account_views.ConfirmEmailView.as_view(),
        name="account_confirm_email",
    ),
    path(
        "accounts/password/reset/",
        account_views.PasswordResetView.as_view(),
        name="account_reset_password",
    ),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account_views.PasswordResetFromKeyView.as_view(),
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/change/",
        account_views.PasswordChangeView.as_view(),
        name="account_change_password",
    ),
    path(
        "accounts/email/restore/<str:token>/",
        account_views.restore_former_address,
        name="account_restore_address",
    ),
    path("accounts/email/check/", account_views.send_check_to_address, name="account_send_check"),
    path("accounts/email/check/<str:token>/", account_views.check_address, name="account_check_address"),
    path("accounts/", include("allauth.account.urls")),
    path("settings/", include("users.urls")),
    path("", include("network.urls")),
    path("", include("messaging.urls")),
    path("notifications/", include("notifications.urls")),
    path("admin/", admin.site.urls),
    # Public uploads, when neither nginx nor a bucket serves them.
    path("media/<path:name>", media_views.public_file, name="media"),
    # HealthMiddleware serves these before URL resolution; they are listed for their names.
    path("health/", health, name="health"),
    path("health/db/", health_database, name="health_db"),
    path("health/redis/", health_redis, name="health_redis"),
    path("readiness/", readiness, name="readiness"),
    # Webhooks of mail providers.
    path("mail-reports/mailgun/", bounce_views.receive_from_mailgun, name="mail_reports_mailgun"),
    path("mail-reports/sendgrid/", bounce_views.receive_from_sendgrid, name="mail_reports_sendgrid"),
    # Paths that programs request from every site.
    path(".well-known/security.txt", well_known_views.security_txt, name="security_txt"),
    path(".well-known/change-password", well_known_views.change_password, name="change_password"),
    path("robots.txt", well_known_views.robots_txt, name="robots_txt"),
    path("favicon.ico", well_known_views.favicon, name="favicon"),
    path("metrics", metrics_views.metrics_page, name="metrics"),
]

if settings.DEBUG:
    urlpatterns += [path("theme/", include("theme.urls"))]
