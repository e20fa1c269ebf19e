"""A PDF of one page, written by hand: a title and lines of text in Helvetica."""

import textwrap

WIDTH, HEIGHT, MARGIN = 595, 842, 64
LINE_HEIGHT = 20
LONGEST_LINE = 82


def pdf(title: str, lines: list[str]) -> bytes:
    """The bytes of an A4 page with `title` and `lines`, long ones wrapped; letters outside Latin-1 become "?"."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 6 0 R "
        b"/Resources << /Font << /Bold 4 0 R /Plain 5 0 R >> >> >>" % (WIDTH, HEIGHT),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        _stream(_page(title, lines)),
    ]
    return _file(objects)


def _page(title: str, lines: list[str]) -> bytes:
    top = HEIGHT - MARGIN
    shown = [part for line in lines for part in textwrap.wrap(line, LONGEST_LINE) or [""]]
    commands = [
        b"BT /Bold 20 Tf %d %d Td (%s) Tj ET" % (MARGIN, top, _escaped(title)),
        b"BT /Plain 11 Tf %d TL %d %d Td" % (LINE_HEIGHT, MARGIN, top - 2 * LINE_HEIGHT),
        *(b"(%s) Tj T*" % _escaped(line) for line in shown),
        b"ET",
    ]
    return b"\n".join(commands)


def _escaped(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return escaped.encode("latin-1", "replace")


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1, with the table that says at which byte each begins (ISO 32000-1, 7.5)."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
