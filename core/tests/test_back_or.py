"""Going back to where a form came from, and nowhere else."""

from django.test import RequestFactory

from core.web.responses import back_or
from tests.cases import all_cases

DEFAULT = "/network/"


def goes_to(wanted: str | None, *, secure: bool = False) -> str:
    data = {} if wanted is None else {"next": wanted}
    response = back_or(RequestFactory().post("/x/", data, secure=secure), DEFAULT)
    assert response.status_code == 302
    return response.url


def test_it_goes_back_within_this_site_alone() -> None:
    with all_cases() as case:
        for wanted in ["/members/", "/members/?q=a&page=b#c", "/", "relative/", "?page=2", "/a//b"]:
            with case(wanted):
                assert goes_to(wanted) == wanted
        with case("it goes back to the full address of this site"):
            assert goes_to("http://testserver/members/") == "http://testserver/members/"
        for wanted in HOSTILE:
            with case(wanted):
                assert goes_to(wanted) == DEFAULT
        with case("over https it does not go back to http"):
            assert goes_to("http://testserver/members/", secure=True) == DEFAULT
        for nothing in [None, "", "   "]:
            with case(nothing):
                assert goes_to(nothing) == DEFAULT
        with case("a wish in the query does not count"):
            request = RequestFactory().post("/x/?next=/elsewhere/")
            assert back_or(request, DEFAULT).url == DEFAULT
        for wanted in ["/a\r\nSet-Cookie: x=1", "/a\nLocation: https://evil.example"]:
            with case(wanted):
                address = goes_to(wanted)
                assert "\r" not in address
                assert "\n" not in address


HOSTILE = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example/",
    r"\\evil.example/",
    r"/\evil.example/",
    r"\/evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "\x00//evil.example/",
    "\x08//evil.example/",
    "https:evil.example",
    "https:///evil.example/",
    "http:\\\\evil.example",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://testserver:80@evil.example/",
    "http://evil.example#testserver",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "ftp://testserver/",
    "http://[::1",
    "http://2001:cdba:0000:0000:0000:0000:3257:9652]/",
    " https://evil.example/",
]
