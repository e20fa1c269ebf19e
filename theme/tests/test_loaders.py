from pathlib import Path

from django.template import Context, Engine

from tests.cases import all_cases


def render(folder: Path, source: str, name: str = "page.html") -> str:
    """What the site's loader makes of a template with this source."""
    (folder / name).write_text(source)
    engine = Engine(
        dirs=[str(folder)],
        loaders=[("theme.loaders.CompactLoader", ["django.template.loaders.filesystem.Loader"])],
        builtins=["django.templatetags.i18n"],
    )
    template = engine.get_template(name)
    assert engine.get_template(name) is template, "not cached"
    return template.render(Context({"text": "a\n    b", "shown": True}))


def test_indentation_is_not_sent(tmp_path: Path) -> None:
    source = (
        '<div\n     class="a">\n    {% if shown %}\n      <b>x</b>  <i>y</i>\n\n    {% endif %}\n  </div>'
    )
    assert render(tmp_path, source) == '<div\nclass="a">\n<b>x</b>  <i>y</i>\n</div>'


def test_blanks_that_a_reader_sees_stay(tmp_path: Path) -> None:
    with all_cases() as case:
        for number, (source, expected) in enumerate(
            {
                "a\n{% if shown %}\nb\n{% else %}\nc\n{% endif %}\nd": "a\nb\nd",
                "a\n{% if not shown %}\nb\n{% endif %}\nd": "a\nd",
                "a\n{% if shown %}b{% endif %}\nc": "a\nb\nc",
                "a\n{# note #}\n{% with x=text %}\nb\n{% endwith %}\nc": "a\nb\nc",
                "a\n{% translate 'b' %}\nc": "a\nb\nc",
                "a\n{% translate 'b' as x %}\n{{ x }}\nc": "a\nb\nc",
                "a\n{% block x %}b{% endblock %}\nc": "a\nb\nc",
            }.items()
        ):
            with case(source):
                assert render(tmp_path, source, f"{number}.html") == expected


def test_values_and_messages_keep_their_blanks(tmp_path: Path) -> None:
    source = "<p>{{ text }}</p>{% blocktranslate %}one\n    two{% endblocktranslate %}"
    assert render(tmp_path, source) == "<p>a\n    b</p>one\n    two"


def test_preformatted_and_plain_texts_stay_as_they_are(tmp_path: Path) -> None:
    assert render(tmp_path, "<pre>\n    a\n</pre>") == "<pre>\n    a\n</pre>"
    assert render(tmp_path, "Hello\n\n    there\n", "mail.txt") == "Hello\n\n    there\n"
