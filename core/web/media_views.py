"""Serves uploads: public ones by path, private ones after a permission check (R4.7, P11)."""

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

from .byte_ranges import Part, asked_span

# What we make ourselves, pixel by pixel. Whatever else lies there is handed out as a download, never shown.
SHOWN = {".webp": "image/webp"}
# Even a file that a browser takes for a page can do nothing there: no script, no form, an origin of its own.
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


@require_safe
def public(request: HttpRequest, name: str) -> HttpResponseBase:
    """The stored file `name`; 404 for a private one, for one that is not there, and for what is no name at all."""
    if not is_public(name):
        raise Http404
    content_type = SHOWN.get(_suffix(name), DOWNLOAD)
    response = _streamed(request, name, content_type)
    if content_type == DOWNLOAD:
        response["Content-Disposition"] = "attachment"
    response["Cache-Control"] = f"public, max-age={settings.CACHE_TIMEOUTS['media']}, immutable"
    return response


def deliver(
    request: HttpRequest, name: str, *, filename: str, content_type: str = "", shown: bool = False
) -> HttpResponseBase:
    """The private file `name` as a download called `filename`, to a viewer whom the caller has let pass.

    A bucket hands it out itself, through a signed address that ends soon; behind nginx, nginx does
    (X-Accel-Redirect to MEDIA_ACCEL_PREFIX); else it is streamed. `content_type` defaults to what `filename` says.
    Raises Http404 when the file is not there.

    With `shown` it is one of our own pictures, which stands in a page. It comes from this host even where a bucket
    keeps it: pages show pictures of this host alone (img-src). A browser may keep it, but asks each time whether it
    still may show it.
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
        response = _streamed(request, name, kind)
        response["Content-Disposition"] = disposition
    response["Cache-Control"] = "private, no-cache" if shown else "private, no-store"
    return _made_harmless(response)


def deliver_column(
    request: HttpRequest, row: Model, field: StoredFileField, *, filename: str = ""
) -> HttpResponseBase:
    """The file that the private column `field` of `row` names, to a viewer whom the caller has let pass.

    A picture is shown, called `<filename>.webp`, in the size that `?size=` names; any other file is a download of the
    type that its stored name says, or else `filename`. Raises Http404 for an unknown size, and as `deliver` does.
    """
    value = field.value_from_object(row)
    if not isinstance(field, PictureField) or not field.is_picture(value):
        kind = content_type_of(value)
        return deliver(request, value, filename=filename, content_type="" if kind == DOWNLOAD else kind)
    sizes = {str(size): size for size in field.sizes}
    size = sizes.get(request.GET.get("size", str(field.default_size)))
    if size is None:
        raise Http404
    name = field.name_of(value, size)
    return deliver(
        request, name, filename=f"{filename or 'picture'}.webp", content_type=SHOWN[".webp"], shown=True
    )


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]


def _streamed(request: HttpRequest, name: str, content_type: str) -> HttpResponseBase:
    """The file, a part of it (Range), or 304 where the browser has it already. Raises Http404."""
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
        raise Http404 from error  # ValueError: a name that the file system cannot write
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Http404 from error
        raise
    etag = quote_etag(f"{size:x}-{int(modified.timestamp() * 1e6):x}")
    response = _answer(request, file, size, content_type, etag, modified)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified.timestamp())
    # Pictures and documents are compressed already; compressing them again would only cost them their length.
    request.META["HTTP_ACCEPT_ENCODING"] = "identity"
    return _made_harmless(response)


def _answer(
    request: HttpRequest, file: IO[bytes], size: int, content_type: str, etag: str, modified: datetime
) -> HttpResponseBase:
    unchanged = get_conditional_response(request, etag, int(modified.timestamp()))
    span = asked_span(request, size, etag)
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
    del response["Content-Disposition"]  # it would name the file as it is stored
    return response


def _made_harmless(response: HttpResponseBase) -> HttpResponseBase:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    return response
