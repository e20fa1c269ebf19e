"""Limits multipart bodies besides their files: Django limits fields, but neither headers nor parts without a name."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

# How far the parser reads ahead of the handlers.
READ_AHEAD = 256 * 1024


class LimitParts(FileUploadHandler):
    """Refuses a body with more than REQUEST_MAX_FORM besides its files, or with more parts than allowed.

    Comes first in FILE_UPLOAD_HANDLERS; the content of files is passed on to the next one.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803 -- Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Start counting what the parser reads; a body in memory has been counted already."""
        self._file_bytes = 0
        if isinstance(input_data, HttpRequest):
            stream = CountedStream(input_data._stream, self, boundary)  # noqa: SLF001 -- Django has no public way
            input_data._stream = stream  # type: ignore[assignment]  # noqa: SLF001

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the content of a file on to the next handler."""
        self._file_bytes += len(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """Return None: the next handler creates the file."""
        return None

    def check_size(self, size: int, parts: int) -> None:
        """Raise the exceptions that Django raises for its own limits."""
        if size - self._file_bytes > settings.REQUEST_MAX_FORM + READ_AHEAD:
            raise RequestDataTooBig("More than REQUEST_MAX_FORM besides the files.")
        if parts > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1:
            raise TooManyFieldsSent("More parts than fields and files may be.")


class CountedStream:
    """The body as a stream that counts the bytes read."""

    def __init__(self, stream: Any, limits: LimitParts, boundary: bytes) -> None:
        self._stream = stream
        self._limits = limits
        self._boundary = boundary
        self._size = self._parts = 0

    def read(self, *size: int) -> bytes:
        """Return the next bytes; raises as `LimitParts.check_size` does."""
        data: bytes = self._stream.read(*size)
        self._size += len(data)
        self._parts += data.count(self._boundary)
        self._limits.check_size(self._size, self._parts)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
