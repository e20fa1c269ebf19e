"""Storage for uploads in an S3 bucket of Amazon or a compatible service (R4.7)."""

from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage

from .storage import is_public

# How long a signed URL is valid, in seconds: as long as a redirect takes.
SIGNED_FOR = 60


class BucketStorage(S3Storage):  # type: ignore[misc]
    """Storage in a bucket without public access.

    Public pictures have URLs of `custom_domain` (a CDN in front of the bucket, which must not serve `private/`), or
    without one our own, where core.web.media.views streams them. Private files have signed URLs. Objects get no ACL:
    new buckets of Amazon refuse them.
    """

    is_remote = True

    def _save(self, name: str, content: Any) -> str:
        """Save as the parent does; errors of the bucket are OSErrors, as those of a disk."""
        try:
            return str(super()._save(name, content))
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise OSError("the bucket did not take the file") from error

    def get_default_settings(self) -> dict[str, Any]:
        """Return the defaults of options, with short timeouts."""
        ours = {
            "default_acl": None,
            "file_overwrite": False,
            "max_memory_size": 1024 * 1024,
            "client_config": Config(
                signature_version="s3v4",
                connect_timeout=3,
                read_timeout=10,
                retries={"total_max_attempts": 2},
                # Other services do not support the checksums that newer clients add by default.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        }
        return {**super().get_default_settings(), **ours}

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return the headers that the bucket stores with the object and sends with it."""
        kept = f"public, max-age={settings.CACHE_TIMEOUTS['media']}, immutable"
        return {"CacheControl": kept if is_public(name) else "private, no-store"}

    def url(self, name: str, *args: Any, **options: Any) -> str:
        """Return the public URL of `name`; for private files see signed_address."""
        if self.custom_domain and is_public(name):
            return str(super().url(name, *args, **options))
        return f"{settings.MEDIA_URL}{filepath_to_uri(name)}"

    def signed_address(self, name: str, *, content_type: str, disposition: str) -> str:
        """Return a URL of the file `name` that is valid for a minute, with this content type and disposition."""
        wanted = {
            "Bucket": self.bucket_name,
            "Key": name,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
        }
        client = self.connection.meta.client
        return str(client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=SIGNED_FOR))
