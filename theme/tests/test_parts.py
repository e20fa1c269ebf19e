from types import SimpleNamespace

from tests.cases import all_cases
from theme.samples import MEMBERS, SampleMember, make_images

from .rendering import render_template


def render_component(name: str, parameters: str = "", **values: object) -> str:
    return render_template(f'{{% include "components/_{name}.html" with {parameters} x=1 only %}}', **values)


def test_a_block_tag_draws_its_content_in_the_page_s_own_context() -> None:
    html = render_template(
        '{% card title=title href="/all/" link="All" %}{{ word }}{% endcard %}', title="A & B", word="<i>"
    )
    assert "A &amp; B" in html
    assert "&lt;i&gt;" in html
    assert 'href="/all/"' in html


def test_a_part_sees_nothing_of_the_page_s_variables() -> None:
    assert "from the page" not in render_template(
        "{% card %}x{% endcard %}", id="from the page", href="from the page"
    )


def test_a_menu_a_dialog_and_tabs_have_names() -> None:
    assert '<span class="sr-only">More</span>' in render_template('{% menu "More" %}x{% endmenu %}')
    dialog = render_template('{% dialog id="d" title="Invite" open=True %}x{% enddialog %}')
    assert 'aria-labelledby="d-title"' in dialog
    assert "data-dialog-open" in dialog
    assert 'aria-label="Places"' in render_template('{% tabs label="Places" %}x{% endtabs %}')


def test_an_avatar_shows_the_photo_of_its_size() -> None:
    member = SampleMember("Bo", "B", 3, "", "/s.webp", "/m.webp", "/l.webp")
    assert "/s.webp" in render_component("avatar", "member=m", m=member)
    assert "/m.webp" in render_component("avatar", 'member=m size="lg"', m=member)
    assert "/l.webp" in render_component("avatar", 'member=m size="xl"', m=member)
    assert 'alt=""' in render_component("avatar", "member=m", m=member)
    assert 'alt="Bo"' in render_component("avatar", "member=m named=True", m=member)


def test_an_avatar_without_a_photo_shows_initials_in_the_member_s_hue() -> None:
    html = render_component("avatar", "member=m linked=True", m=MEMBERS[0])
    assert "hue-6" in html
    assert "IS" in html
    assert 'tabindex="-1"' in html  # the name beside it is the link that is read


def test_a_person_shows_acts_only_where_there_are_some() -> None:
    assert "person-actions" in render_template("{% person member=m %}<a>x</a>{% endperson %}", m=MEMBERS[0])
    assert "person-actions" not in render_template("{% person member=m %}  {% endperson %}", m=MEMBERS[0])
    assert "<a" not in render_template("{% person member=m linked=False %}{% endperson %}", m=MEMBERS[0])


def test_names_are_escaped_and_isolated() -> None:
    html = render_template("{% person member=m %}{% endperson %}", m=SampleMember("<b>", "B", 0, "<i>"))
    assert "&lt;b&gt;" in html
    assert "<bdi>&lt;i&gt;</bdi>" in html


def test_a_grid_keeps_room_for_each_image() -> None:
    with all_cases() as case:
        for count in range(1, 10):
            with case(count):
                html = render_component("image_grid", "images=images", images=make_images(count))
                assert f"images-{count}" in html
                assert html.count('width="640"') == count


def test_an_image_without_a_description_says_so() -> None:
    image = SimpleNamespace(url="/a.webp", full_url="/full.webp", width=1, height=1, alt="")
    html = render_component("image_grid", "images=images", images=[image])
    assert 'alt="Image without a description"' in html
    assert 'href="/full.webp"' in html


def test_a_pager_is_a_plain_link_too_and_nothing_at_the_end() -> None:
    html = render_component("pager", 'next_url="?page=9" target="#posts"')
    assert 'href="?page=9"' in html
    assert 'hx-select="#posts &gt; *"' in html or 'hx-select="#posts > *"' in html
    assert render_component("pager", 'next_url=""') == ""


def test_a_failure_is_an_alert_that_stays_and_a_success_is_not() -> None:
    failure = render_component("toast", 'text="No" level="error"')
    assert 'role="alert"' in failure
    assert 'data-toast="stay"' in failure
    assert 'role="alert"' not in render_component("toast", 'text="Yes" level="success"')


def test_waiting_messages_ride_on_an_htmx_reply_only_when_there_are_some() -> None:
    message = SimpleNamespace(message="Sent", level_tag="success")
    assert 'hx-swap-oob="beforeend"' in render_component(
        "toasts", "messages=messages oob=True", messages=[message]
    )
    assert render_component("toasts", "messages=messages oob=True", messages=[]) == ""


def test_an_upload_describes_images_unless_it_is_plain() -> None:
    assert 'data-alt-name="image_alt"' in render_component("image_upload", 'name="images"')
    assert 'data-alt-name=""' in render_component("image_upload", 'name="photo" max_files=1 plain=True')
    assert "multiple" not in render_component("image_upload", 'name="photo" max_files=1')
