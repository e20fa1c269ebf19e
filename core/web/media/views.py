"""Serves uploads: public files by path, private files after a permission check (R4.7, P11)."""

import errno
from datetime import datetime
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.db.models import Model
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, quote_etag
from django.views.decorators.http import require_safe

from core.files.fields import PictureField, StoredFileField
from core.files.file_types import DOWNLOAD, content_type_of
from core.files.storage import is_public

from .byte_ranges import Part, requested_span

# Files that we encode ourselves. All other types are downloads, never shown in the browser.
SHOWN = {".webp": "image/webp"}
# Even a file that a browser renders as a page has no scripts, no forms, and a separate origin.
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


@require_safe
def public_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve the stored file `name`; 404 for private and missing files, and for invalid names."""
    if not is_public(name):
        raise Http404
    content_type = SHOWN.get("." + name.rpartition(".")[2], DOWNLOAD)
    response = _stream_file(request, name, content_type)
    if content_type == DOWNLOAD:
        response["Content-Disposition"] = "attachment"
    response["Cache-Control"] = f"public, max-age={settings.CACHE_TIMEOUTS['media']}, immutable"
    return response


def deliver_file(
    request: HttpRequest, name: str, *, filename: str, content_type: str = "", shown: bool = False
) -> HttpResponseBase:
    """Serve the private file `name` as a download called `filename`; the caller has checked the permission.

    A bucket serves it by a short-lived signed URL, nginx by X-Accel-Redirect to MEDIA_ACCEL_PREFIX; else we stream it.
    `content_type` defaults to that of `filename`. Raises Http404 when the file is missing.

    With `shown` it is one of our own pictures in a page. It comes from this host even when it is stored in a bucket:
    the content security policy allows pictures of this host only (img-src). Browsers may cache it, but revalidate it.
    """
    if not default_storage.exists(name):
        raise Http404
    kind = content_type or content_type_of(filename)
    if shown and kind not in SHOWN.values():
        raise ValueError(f"{kind} is never shown")
    disposition = content_disposition_header(as_attachment=not shown, filename=filename) or "attachment"
    signed_address = getattr(default_storage, "signed_address", None)
    response: HttpResponseBase
    if signed_address is not None and not shown:
        response = HttpResponseRedirect(signed_address(name, content_type=kind, disposition=disposition))
    elif settings.MEDIA_ACCEL_PREFIX and signed_address is None:
        response = HttpResponse(content_type=kind)
        response["X-Accel-Redirect"] = quote(settings.MEDIA_ACCEL_PREFIX.rstrip("/") + "/" + name)
        response["Content-Disposition"] = disposition
    else:
        response = _stream_file(request, name, kind)
        response["Content-Disposition"] = disposition
    response["Cache-Control"] = "private, no-cache" if shown else "private, no-store"
    return _with_safe_headers(response)


def deliver_column_file(
    request: HttpRequest, row: Model, field: StoredFileField, *, filename: str = ""
) -> HttpResponseBase:
    """Serve the file of the private column `field` of `row`; the caller has checked the permission.

    A picture is shown as `<filename>.webp`, in the size of `?size=`; any other file is a download with the content type
    of its stored name, or of `filename`. Raises Http404 for an unknown size, and as `deliver_file` does.
    """
    value = field.value_from_object(row)
    if not isinstance(field, PictureField) or not field.is_picture(value):
        kind = content_type_of(value)
        return deliver_file(request, value, filename=filename, content_type="" if kind == DOWNLOAD else kind)
    sizes = {str(size): size for size in field.sizes}
    size = sizes.get(request.GET.get("size", str(field.default_size)))
    if size is None:
        raise Http404
    name = field.name_of(value, size)
    return deliver_file(
        request, name, filename=f"{filename or 'picture'}.webp", content_type=SHOWN[".webp"], shown=True
    )


def _stream_file(request: HttpRequest, name: str, content_type: str) -> HttpResponseBase:
    """Return the file, a part of it (Range), or 304 for an unchanged file. Raises Http404."""
    try:
        file = default_storage.open(name)
        size, modified = file.size, default_storage.get_modified_time(name)
    except (
        FileNotFoundError,
        IsADirectoryError,
        NotADirectoryError,
        SuspiciousFileOperation,
        ValueError,
    ) as error:
        raise Http404 from error  # ValueError: a name that is invalid in the file system
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Http404 from error
        raise
    etag = quote_etag(f"{size:x}-{int(modified.timestamp() * 1e6):x}")
    response = _file_response(request, file, size, content_type, etag, modified)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified.timestamp())
    # Pictures and documents are compressed already; compressing them again would only remove their length.
    request.META["HTTP_ACCEPT_ENCODING"] = "identity"
    return _with_safe_headers(response)


def _file_response(
    request: HttpRequest, file: IO[bytes], size: int, content_type: str, etag: str, modified: datetime
) -> HttpResponseBase:
    unchanged = get_conditional_response(request, etag, int(modified.timestamp()))
    span = requested_span(request, size, etag)
    response: HttpResponseBase
    if unchanged is not None:
        file.close()
        return unchanged
    if span is not None and not span.length:
        file.close()
        response = HttpResponse(status=416, content_type=content_type)
        response["Content-Range"] = f"bytes */{size}"
        return response
    if request.method == "HEAD":
        file.close()
        response = HttpResponse(content_type=content_type)
        response["Content-Length"] = str(size)
        return response
    part: Any = file if span is None else Part(file, span)
    response = FileResponse(part, status=200 if span is None else 206, content_type=content_type)
    response["Content-Length"] = str(span.length if span else size)
    if span:
        response["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{size}"
    del response["Content-Disposition"]  # it contains the name in the storage
    return response


def _with_safe_headers(response: HttpResponseBase) -> HttpResponseBase:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    return response
