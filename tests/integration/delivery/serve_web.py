"""What gunicorn serves here: the product, with a clock that may be wrong, and perhaps deliberately broken."""

from tests.integration.delivery import broken, clock

clock.wear()

from professional_network.wsgi import application  # noqa: E402

broken.apply()

__all__ = ["application"]
