from django.test import override_settings

from tests.cases import all_cases

from .rendering import make_request, render_template

CURRENT = 'aria-current="page"'


def test_active_marks_the_links_whose_url_name_matches() -> None:
    with all_cases() as case:
        for here, current in [
            ("network:overview", True),
            ("network:sent", True),
            ("networks", False),
            ("", False),
        ]:
            with case((here, current)):
                html = render_template('{% active "home" "network:" %}', request=make_request("/", here))
                assert (html == CURRENT) is current


def test_active_says_nothing_where_there_is_no_request() -> None:
    assert render_template('{% active "home" %}') == ""


def test_a_tab_is_current_by_address() -> None:
    tab = '{% tab "/network/" "Invitations" count=3 icon="users" %}'
    assert CURRENT in render_template(tab, request=make_request("/network/?page=2"))
    assert CURRENT not in render_template(tab, request=make_request("/network/sent/"))
    assert '<span class="badge">3</span>' in render_template(tab, request=make_request("/"))


def test_a_tab_with_a_query_is_current_with_that_query_only() -> None:
    tab = '{% tab "/search/?type=people" "People" %}'
    assert CURRENT in render_template(tab, request=make_request("/search/?type=people"))
    assert CURRENT not in render_template(tab, request=make_request("/search/?type=posts"))


def test_a_tab_can_be_marked_as_current_and_shows_no_zero() -> None:
    html = render_template('{% tab "/a/" label count=0 current=True %}', label="<b>")
    assert CURRENT in html
    assert "&lt;b&gt;" in html
    assert "badge" not in html


@override_settings(
    STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
)
def test_a_static_address_comes_up_without_its_manifest() -> None:
    assert render_template('{% asset "theme/app.css" %}') == "/static/theme/app.css"
