"""The security headers of every response: pages, errors, redirects, uploads, static files (R3)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a page may ask of the browser: none of these, neither for itself nor for what it embeds. The list holds only what
# browsers know; they complain about other words on every page. Full screen, the clipboard and passkeys stay open.
DENIED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "gamepad", "geolocation", "gyroscope",
    "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip


def security_headers() -> dict[str, str]:
    """Name and value of each header; the policy of content (CSP) and HSTS depend on the request."""
    return {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in DENIED_FEATURES),
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": str(settings.X_FRAME_OPTIONS),
    }


class SecurityHeadersMiddleware:
    """Stands first of all, so that an answer of any other middleware carries the headers too.

    A header that the answer has already stays as it is.
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
