"""Tables that no domain owns."""

from django.db import models


class CacheEntry(models.Model):
    """What the cache holds while Redis is away; the columns are those of Django's DatabaseCache."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "cache entry"
        verbose_name_plural = "cache entries"

    def __str__(self) -> str:
        return self.cache_key
