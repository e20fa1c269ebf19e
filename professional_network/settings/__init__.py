"""Chooses the settings module by DJANGO_ENVIRONMENT (R2.2); an unknown value is an error, without a fallback."""

from django.core.exceptions import ImproperlyConfigured

from ..env import env

ENVIRONMENTS = ("development", "production", "test")

DJANGO_ENVIRONMENT = env.text("DJANGO_ENVIRONMENT", "development")

# When DJANGO_SETTINGS_MODULE names one of the modules, Python also imports this package, which then chooses nothing.
if env.text("DJANGO_SETTINGS_MODULE", __name__) != __name__:
    pass
elif DJANGO_ENVIRONMENT == "development":
    from .development import *
elif DJANGO_ENVIRONMENT == "production":
    from .production import *
elif DJANGO_ENVIRONMENT == "test":
    from .test import *
else:
    raise ImproperlyConfigured(
        f"DJANGO_ENVIRONMENT is {DJANGO_ENVIRONMENT!r}; it must be one of: {', '.join(ENVIRONMENTS)}."
    )
