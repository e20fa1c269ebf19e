"""Compressed responses: the same content, padded, and said to be compressed."""

import gzip

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from core.web.compression import CompressionMiddleware, compress_padded
from tests.cases import all_cases

PAGE = "".join(f"<p>Row {row}, größer</p>" for row in range(500)).encode()


def respond(response: HttpResponseBase, accepts: str = "gzip, br") -> HttpResponseBase:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = accepts
    return CompressionMiddleware(lambda _request: response)(request)  # type: ignore[return-value]


def test_compressed_content_is_read_by_another_library_whatever_its_padding() -> None:
    with all_cases() as case:
        for content in [b"", b"a", PAGE, bytes(range(256)) * 300]:
            with case(content[:10]):
                assert {gzip.decompress(compress_padded(content, 100)) for _each in range(50)} == {content}


def test_the_length_of_a_page_differs_from_time_to_time() -> None:
    lengths = {len(compress_padded(PAGE, 100)) for _each in range(200)}
    assert len(lengths) > 50
    assert max(lengths) - min(lengths) <= 100


def test_a_page_says_that_it_is_compressed() -> None:
    response = respond(HttpResponse(PAGE, headers={"ETag": '"1"'}))
    assert isinstance(response, HttpResponse)
    assert gzip.decompress(response.content) == PAGE
    assert len(response.content) < len(PAGE) / 4
    assert response.headers["Content-Length"] == str(len(response.content))
    assert (response["Content-Encoding"], response["Vary"]) == ("gzip", "Accept-Encoding")
    assert response["ETag"] == 'W/"1"'


def test_what_gains_nothing_or_is_not_accepted_stays() -> None:
    with all_cases() as case:
        for name, response, accepts in [
            ("short", HttpResponse(b"a" * 199), "gzip"),
            ("compressed before", HttpResponse(PAGE, headers={"Content-Encoding": "br"}), "gzip"),
            ("not accepted", HttpResponse(PAGE), "br"),
            ("nothing accepted", HttpResponse(PAGE), ""),
            ("not compressible", HttpResponse(bytes(range(256))), "gzip"),
        ]:
            with case(name):
                before = response.content
                encoding = response.get("Content-Encoding")
                respond(response, accepts)
                assert (response.content, response.get("Content-Encoding")) == (before, encoding)


def test_a_download_is_compressed_as_it_comes() -> None:
    response = respond(StreamingHttpResponse([PAGE, b"end"]))
    assert isinstance(response, StreamingHttpResponse)
    assert gzip.decompress(b"".join(response.streaming_content)) == PAGE + b"end"  # type: ignore[arg-type]
