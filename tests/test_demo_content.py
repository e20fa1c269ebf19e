"""What the demo network says and shows."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from core.text.cleaning import clean_block, clean_line, refuse_invisible
from demo import content, pictures
from demo.documents import render_pdf
from demo.pictures.portraits import STYLES, draw_portrait
from tests.cases import all_cases
from users.validators import username_shape

# -- What it says -------------------------------------------------------------------------------


def all_texts() -> Iterator[str]:
    for member in content.load_members().values():
        yield from (member.name, member.headline, member.location, member.about, *member.skills)
    for post in content.load_posts():
        yield from (post.text, *(said.text for said in post.all_comments()))


def test_every_text_is_written_once_and_without_shouting() -> None:
    words = [post.text for post in content.load_posts() if post.text]
    words += [said.text for post in content.load_posts() for said in post.all_comments()]
    doubles = {text for text, times in Counter(words).items() if times > 1}
    assert not doubles
    assert not [text for text in all_texts() if "!" in text or "lorem" in text.lower()]


def test_every_text_is_one_that_a_member_could_have_typed() -> None:
    for member in content.load_members().values():
        username_shape(member.username)
        for line in (member.name, member.headline, member.location):
            assert clean_line(line) == line
            refuse_invisible(line)
        assert len(member.name) <= 80
        assert len(member.headline) <= 160
        assert len(member.about) <= 4000
        assert member.experience or member.education or member.username == "admin"
    for post in content.load_posts():
        assert clean_block(post.text) == post.text
        assert len(post.text) <= 10_000
        assert all(
            len(said.text) <= 3000 and clean_block(said.text) == said.text for said in post.all_comments()
        )


def test_every_name_in_the_texts_belongs_to_a_member() -> None:
    members = content.load_members()
    for post in content.load_posts():
        authors = {post.author, *(said.author for said in post.all_comments())}
        assert authors <= set(members)
        mentioned = set(re.findall(r"(?<![\w.])@([a-z]+(?:\.[a-z]+)?)", post.text))
        assert mentioned <= set(members)
    keys = {post.key for post in content.load_posts() if post.key}
    assert {post.repost for post in content.load_posts() if post.repost} <= keys


# -- Pictures and documents ---------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_a_portrait_is_square_and_the_same_for_the_same_seed(style: str) -> None:
    one, two = (draw_portrait(style, 3, seed="someone") for _time in range(2))
    assert one.size == (512, 512)
    assert one.tobytes() == two.tobytes()
    assert draw_portrait(style, 4, seed="someone").tobytes() != one.tobytes()


def test_a_scene_fills_a_cover() -> None:
    covers = {member.cover for member in content.load_members().values() if member.cover}
    for kind in covers:
        assert pictures.draw_cover(kind, seed="x").size == (1500, 375)


def test_a_picture_of_every_kind_in_the_posts_can_be_drawn() -> None:
    specs = {spec["kind"]: spec for post in content.load_posts() for spec in post.pictures}
    with all_cases() as case:
        for kind, spec in specs.items():
            with case(kind):
                values = {name: value for name, value in spec.items() if name not in {"kind", "alt"}}
                assert spec["alt"]
                assert min(pictures.draw_picture(kind, seed="x", **values).size) >= 500


def test_a_document_is_a_pdf_whose_table_points_at_its_objects() -> None:
    data = render_pdf("Über (uns)", ["One line.", "", "A long line " * 20])
    assert data.startswith(b"%PDF-1.4")
    assert rb"(\334ber" not in data
    assert "Über \\(uns\\)".encode("latin-1") in data
    table = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n$", data)[0])
    assert data[table:].startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n ", data)]
    assert [data[place:].split(b" ")[0] for place in places] == [b"1", b"2", b"3", b"4", b"5", b"6"]
    length = int(re.findall(rb"/Length (\d+)", data)[0])
    stream = data.partition(b"stream\n")[2].partition(b"\nendstream")[0]
    assert len(stream) == length
