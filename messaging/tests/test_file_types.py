"""What a file is, told by its content, and what it is called from then on."""

import struct
import tracemalloc
import zipfile

from core.files.file_types import (
    CONTENT_TYPES,
    LONGEST_CONTENTS,
    content_type_of,
    kind_of,
)
from core.tests import pictures
from core.text.file_names import LONGEST_NAME, printable_name, safe_name, safe_stem
from messaging.tests.factories import PDF, archive
from tests.cases import all_cases

ODF = "application/vnd.oasis.opendocument."
OOXML = {"[Content_Types].xml": "<Types/>", "_rels/.rels": "<x/>"}

TAKEN = {
    "pdf": (PDF, "a.pdf", "pdf"),
    "pdf under another name": (PDF, "a.exe", "pdf"),
    "pdf with a page in it": (PDF + pictures.HTML, "a.html", "pdf"),
    "rtf": (rb"{\rtf1\ansi Hello}", "a.doc", "rtf"),
    "word": (archive({**OOXML, "word/document.xml": "x"}), "a", "docx"),
    "excel": (archive({**OOXML, "xl/workbook.xml": "x"}), "a.zip", "xlsx"),
    "powerpoint": (archive({**OOXML, "ppt/presentation.xml": "x"}), "a.pptx", "pptx"),
    "two offices in one": (archive({**OOXML, "ppt/a.xml": "x", "xl/b.xml": "x"}), "a.pptx", "zip"),
    "writer": (archive({"mimetype": f"{ODF}text", "content.xml": "x"}), "a.odt", "odt"),
    "calc": (archive({"mimetype": f"{ODF}spreadsheet"}), "a.odt", "ods"),
    "impress": (archive({"mimetype": f"{ODF}presentation"}), "a.odt", "odp"),
    "another open document": (archive({"mimetype": "application/epub+zip"}), "a.odt", "zip"),
    "archive": (archive({"a.txt": "x", "b.exe": "MZ"}), "a.jar", "zip"),
    "text": (b"Hello\r\n\tyou\f", "a.txt", "txt"),
    "text with a bom": (b"\xef\xbb\xbfHello", "a.txt", "txt"),
    "text in many letters": ("Grüße 履歴書 😀".encode(), "a.TXT", "txt"),
    "text that begins like a bitmap": (b"BMW and others", "a.txt", "txt"),
    "table": (b"a;b\n1;2\n", "a.CSV", "csv"),
    "markdown": (b"# Title\n", "a.md", "md"),
    "calendar": (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "a.txt", "ics"),
    "no calendar": (b"Hello", "a.ics", "txt"),
    "a program's source": (b"print('hello')\n", "a.py", "txt"),
    "a batch file": (b"@echo off\r\ndel *.*\r\n", "a.bat", "txt"),
    "an autorun file": (b"[autorun]\nopen=a.exe\n", "autorun.inf", "txt"),
}


def test_what_is_taken_gets_the_ending_of_its_content() -> None:
    with all_cases() as case:
        for what, (data, name, kind) in TAKEN.items():
            with case(what):
                assert kind_of(data, name) == kind


def with_contents_of(length: int) -> bytes:
    """An archive that says that its list of contents has this length."""
    data = bytearray(archive({"a": "x"}))
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, length)
    return bytes(data)


REFUSED = {
    "a page": pictures.HTML,
    "a page behind a bom": b"\xef\xbb\xbf\n " + pictures.HTML,
    "a page without a doctype": b"<HTML><script>alert(1)</script>",
    "svg": pictures.SVG,
    "svg without a declaration": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "xml": b"<xml><x/></xml>",
    "php": b"<?php phpinfo(); ?>",
    "a shell script": b"#!/bin/sh\nrm -rf /\n",
    "postscript": b"%!PS-Adobe-3.0\nshowpage\n",
    "windows program": b"MZ\x90\x00" + b"\x00" * 60,
    "linux program": b"\x7fELF\x02\x01\x01" + b"\x00" * 60,
    "archive behind a program": b"MZ\x90\x00" + archive({"a": "x"}),
    "picture": pictures.png(),
    "nul": b"Hello\x00you",
    "escape sequences": b"\x1b[2JHello",
    "a page in utf-16": pictures.HTML.decode().encode("utf-16"),
    "a page behind a bom, not in utf-8": b"\xef\xbb\xbf" + pictures.HTML + b"\xfc",
    "half a letter in utf-16": "Hello".encode("utf-16")[:-1],
    "a page before a pdf": pictures.HTML + PDF,
    "word with macros": archive({**OOXML, "word/document.xml": "x", "word/vbaProject.bin": "x"}),
    "archive cut off": archive({"a": "x" * 100})[:60],
    "archive's end cut off": archive({"a": "x" * 100})[:-3],
    "archive of nothing": b"PK\x05\x06" + b"\x00" * 18,
    "archive's first bytes": b"PK\x03\x04" + b"\x00" * 60,
    "archive with too long a list": with_contents_of(LONGEST_CONTENTS + 1),
    "archive with a list that is none": with_contents_of(10),
    "rar": b"Rar!\x1a\x07\x00" + b"\x00" * 20,
}


def test_anything_else_is_refused_whatever_its_name() -> None:
    with all_cases() as case:
        for what, data in REFUSED.items():
            with case(what):
                assert [kind_of(data, name) for name in ("a.pdf", "a.txt", "a.zip", "a")] == [None] * 4


def test_a_bomb_is_not_unpacked_whatever_it_says_of_its_length_and_however_it_is_packed() -> None:
    bombs = [archive({"mimetype": b"\0" * 30_000_000, "a": b"\0" * 30_000_000})]
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        bomb = bytearray(archive({"a": "x", "mimetype": b"\0" * 30_000_000}, packing))
        struct.pack_into("<L", bomb, bomb.rindex(b"PK\x01\x02") + 24, 50)
        bombs.append(bytes(bomb))
    tracemalloc.start()
    kinds = [kind_of(bomb, "a.odt") for bomb in bombs]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(kinds) <= {"zip", None}
    assert most < 1_000_000


NAMES = [
    ("The plan.pdf", "The plan.pdf"),
    ("The plan.exe", "The plan.pdf"),
    ("../../etc/passwd", "passwd.pdf"),
    ("C:\\Windows\\evil.pdf", "evil.pdf"),
    ("annual-\u202efdp.exe", "annual-fdp.pdf"),
    ("a\u200b\u2060\x00\x1b\r\nb.pdf", "a b.pdf"),
    ("....pdf", "file.pdf"),
    (".pdf", "pdf.pdf"),
    ("", "file.pdf"),
    ("/", "file.pdf"),
    ("two.parts.pdf", "two.parts.pdf"),
    ("Résumé 履歴書 😀.pdf", "Résumé 履歴書 😀.pdf"),
    ("n" * 300 + ".pdf", "n" * 96 + ".pdf"),
]


def test_a_name_is_one_printable_line_with_the_right_ending() -> None:
    with all_cases() as case:
        for name, safe in NAMES:
            with case((name, safe)):
                assert safe_name(name, "pdf") == safe
                assert len(safe) <= LONGEST_NAME


def test_a_stem_may_be_nothing() -> None:
    assert [safe_stem(name) for name in ("", "\u200b.png", "..", "x/")] == ["", "png", "", "x"]


def test_files_as_people_have_them_keep_their_ending_and_their_type() -> None:
    mimetype = b"application/vnd.oasis.opendocument."
    cases = {
        # What is sent, under which name: the ending it keeps.
        ("report.pdf", b"\n" + PDF): "pdf",
        ("scan", b"x" * 1023 + PDF): "pdf",
        ("too late.txt", b"x" * 1024 + PDF): "txt",
        ("notes about %PDF-.txt", b"A header is %PDF-1.7, they say."): "txt",
        ("archive.zip", archive({"a.pdf": PDF})): "zip",
        ("mitglieder.csv", "Name;Straße\r\nJörg;Weg 1 – Köln".encode("cp1252")): "csv",
        ("notiz.txt", "Grüße aus Zürich".encode("latin-1")): "txt",
        ("Bericht", "Größe".encode("cp1252")): "txt",
        ("ruski.txt", "Привет, мир".encode("koi8-r")): "txt",
        ("list.tsv", "a\tb\n".encode("utf-16")): "tsv",
        ("kontakt.vcf", b"BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD"): "vcf",
        ("termin.txt", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"): "ics",
        ("no card.vcf", b"Hello"): "txt",
        ("daten.json", b'{"a": 1}'): "json",
        ("settings.YAML", b"a: 1\n"): "yaml",
        ("script.py", b"print(1)\n"): "txt",
        ("last.odt", archive({"content.xml": "<x/>", "mimetype": mimetype + b"text"})): "odt",
        ("packed.ods", archive({"content.xml": "<x/>", "mimetype": mimetype + b"spreadsheet\n"})): "ods",
        ("form.ott", archive({"a": "x", "mimetype": mimetype + b"text-template"})): "ott",
        ("liar.odt", archive({"a": "x", "mimetype": b"text/html"})): "zip",
        ("long.odt", archive({"a": "x", "mimetype": mimetype + b"text" + b" " * 100})): "zip",
    }
    found = {(name, data): kind_of(data, name) for name, data in cases}
    assert {name: kind for (name, _data), kind in found.items() if kind != cases[name, _data]} == {}
    assert set(cases.values()) <= set(CONTENT_TYPES)


def test_the_type_of_a_download_is_ours_whatever_the_server_knows() -> None:
    assert content_type_of("Plan.PDF") == "application/pdf"
    assert content_type_of("a.csv") == "text/csv"
    assert [content_type_of(name) for name in ("a.html", "a.svg", "a.js", "a", "")] == [
        "application/octet-stream"
    ] * 5


def test_a_refused_file_is_called_by_its_whole_name() -> None:
    assert printable_name("C:\\Users\\me\\plan.final.exe") == "plan.final.exe"
    assert printable_name("x\u202e\r\ny.pdf") == "xy.pdf"
    assert printable_name("") == "file"
