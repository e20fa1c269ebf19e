"""Renders a PDF of one page: a title and lines of text in Helvetica."""

import textwrap

WIDTH, HEIGHT, MARGIN = 595, 842, 64
LINE_HEIGHT = 20
LONGEST_LINE = 82


def render_pdf(title: str, lines: list[str]) -> bytes:
    """Return a PDF of one A4 page with `title` and wrapped `lines`; characters outside Latin-1 become "?"."""
    top = HEIGHT - MARGIN
    shown = [part for line in lines for part in textwrap.wrap(line, LONGEST_LINE) or [""]]
    content = b"\n".join([
        b"BT /Bold 20 Tf %d %d Td (%s) Tj ET" % (MARGIN, top, _escape_text(title)),
        b"BT /Plain 11 Tf %d TL %d %d Td" % (LINE_HEIGHT, MARGIN, top - 2 * LINE_HEIGHT),
        *(b"(%s) Tj T*" % _escape_text(line) for line in shown),
        b"ET",
    ])  # fmt: skip
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 6 0 R "
        b"/Resources << /Font << /Bold 4 0 R /Plain 5 0 R >> >> >>" % (WIDTH, HEIGHT),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    # The objects, numbered from 1, with the table of their offsets (ISO 32000-1, 7.5).
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, described in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, described)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _escape_text(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return escaped.encode("latin-1", "replace")
