"""Picks the settings module by DJANGO_ENVIRONMENT (R2.2); an unknown value is an error, never a fall-back."""

from django.core.exceptions import ImproperlyConfigured

from ..env import env

ENVIRONMENTS = ("development", "production", "test")

DJANGO_ENVIRONMENT = env.text("DJANGO_ENVIRONMENT", "development")

if DJANGO_ENVIRONMENT == "development":
    from .development import *
elif DJANGO_ENVIRONMENT == "production":
    from .production import *
elif DJANGO_ENVIRONMENT == "test":
    from .test import *
else:
    raise ImproperlyConfigured(
        f"DJANGO_ENVIRONMENT is {DJANGO_ENVIRONMENT!r}; it must be one of: {', '.join(ENVIRONMENTS)}."
    )
