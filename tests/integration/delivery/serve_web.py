"""What gunicorn serves here: the product, with a clock that may be wrong, and broken while a file says so."""

from typing import Any

from . import broken, clock

clock.wear()

from professional_network.wsgi import application as product  # noqa: E402


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Serve one request."""
    broken.follow()
    return product(environ, start_response)
