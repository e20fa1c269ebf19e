"""Picks the settings module by DJANGO_ENVIRONMENT (R2.2); an unknown value is an error, never a fall-back."""

from django.core.exceptions import ImproperlyConfigured

from ..env import env

ENVIRONMENTS = ("development", "production", "test")

DJANGO_ENVIRONMENT = env.text("DJANGO_ENVIRONMENT", "development")

# Where DJANGO_SETTINGS_MODULE names one of the modules, Python imports this package on the way: nothing is picked then.
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
