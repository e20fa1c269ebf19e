"""The security headers of every response: pages, errors, redirects, uploads, static files (R3)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

GetResponse = Callable[[HttpRequest], HttpResponse]

# Browser features that pages and their embedded content may not use. The list contains only known features, since
# browsers warn about others on every page. Full screen, the clipboard and passkeys stay allowed.
DENIED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "gamepad", "geolocation", "gyroscope",
    "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip


def security_headers() -> dict[str, str]:
    """Return name and value of each header; those that depend on the request (CSP, HSTS) are set elsewhere."""
    return {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in DENIED_FEATURES),
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": str(settings.X_FRAME_OPTIONS),
    }


class SecurityHeadersMiddleware:
    """Sets the security headers. Comes first, so that responses of other middleware have them, too.

    Headers that the response already has are kept.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.headers = security_headers()
        # SecurityMiddleware runs after others that may respond first; their responses need HSTS as well.
        self.hsts = SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.setdefault(name, value)
        return self.hsts.process_response(request, response)
