"""Signatures in replies: of members, of their mail programs and of the companies that they write from."""

import re
from collections.abc import Sequence

# A signature after a closing formula has at most so many lines, none of them long.
SIGNATURE_LINES = 10
LONGEST_SIGNATURE_LINE = 70
# "Please keep it confidential." is no notice.
SHORTEST_NOTICE = 80
MAX_NOTICE_CHARACTERS = 2000

# RFC 3676 4.3, with and without the blank that some programs remove.
_DELIMITERS = {"-- ", "--", "—", "__"}
_closing = re.compile(
    r"(?:best|kind|warm|with best|with kind|many)? ?(?:regards|wishes|greetings)"
    r"|sincerely(?: yours)?|yours sincerely|cheers|mit (?:freundlichen|besten|herzlichen|kollegialen) grü(?:ß|ss)en"
    r"|(?:freundliche|beste|herzliche|liebe|viele|schöne)n? grü(?:ß|ss)e?|mfg|vg|lg"
    r"|(?:bien )?cordialement|bien à (?:vous|toi)|amicalement|salutations(?: distinguées)?"
    r"|(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|atentamente|un abrazo"
    r"|(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg|cordiali saluti|pozdrawiam",
    re.IGNORECASE,
)
# Lines that mail programs add, each as the whole line, with the name of a device or program.
_program = re.compile(
    r"(?:sent|verzonden|verstuurd|skickat|sendt) (?:from|with|via|using|vanaf|vanuit|met|från|fra) .{2,80}"
    r"|gesendet (?:von|mit|über|aus) .{2,80}|von meine[mr] .{2,60} gesendet\.?"
    r"|diese (?:nachricht|e-?mail) wurde .{2,80} gesendet\.?.{0,80}"
    r"|envoyé (?:de|depuis|avec|à partir de) .{2,80}|enviado (?:desde|con|do) .{2,80}"
    r"|this (?:message|e-?mail) was sent from .{2,80}|(?:inviato|wysłano) (?:da|z) .{2,80}"
    r"|(?:get|holen sie sich|obtenir|télécharger|descargar|obtener|download) outlook .{2,80}|outlook voor .{2,80}"
    r"|yahoo mail: .{2,80}",
    re.IGNORECASE,
)
_device = re.compile(
    r"i(?:phone|pad)|android|samsung|galaxy|huawei|xiaomi|pixel|handy|gsm|smartphone|mobile?|móvil|phone|mail|outlook"
    r"|proton|blackberry|device|gerät|tablet|app\b|gmx|web\.de|yahoo|windows",
    re.IGNORECASE,
)
_scanner = re.compile(
    r"(?:virus-free|virenfrei|sans virus|libre de virus)\b.{0,80}|please excuse (?:my )?brevity\.?|www\.avast\.com"
    r"|diese e-?mail wurde .{2,60} auf viren geprüft\.?.{0,60}|this e?-?mail has been checked for viruses.{0,80}",
    re.IGNORECASE,
)
# The links by which Outlook for phones advertises itself, in each language.
_advertisement = re.compile(r"https://aka\.ms/\w{2,20}\b")
# Pictures of signatures, as programs write them in plain text.
_picture = re.compile(
    r"\[(?:image|cid|bild|logo)[:\s][^\]]{0,120}\]|<[^<>]{0,40}image\d{0,4}\.\w{3,4}[^<>]{0,40}>",
    re.IGNORECASE,
)
_notice = re.compile(
    r"confidential|vertraulich|confidentiel|confidencial|vertrouwelijk|disclaimer|intended (?:only )?(?:for|solely)"
    r"|irrtümlich|destinataire|destinatario|uitsluitend bestemd|virus|registergericht|amtsgericht|handelsregister",
    re.IGNORECASE,
)
_postscript = re.compile(r"p\.? ?s\.?\b", re.IGNORECASE)
# Only the start of a line is looked at.
_MEASURED = 300


def drop_signature(lines: Sequence[str]) -> list[str]:
    """Return the lines of one unquoted passage without the signature at its end.

    A closing formula is kept where nothing else is there.
    """
    kept = _before_delimiter([line for line in lines if not _picture.fullmatch(line.strip()[:_MEASURED])])
    kept = _drop_program_lines(kept)
    start = _find_closing(kept)
    if start is not None and any(line.strip() for line in kept[:start]):
        kept = kept[:start]
    return kept


def is_notice(lines: Sequence[str]) -> bool:
    """Return whether the lines are a notice that a company or a virus scanner adds below the quotation."""
    text = " ".join(lines)[:MAX_NOTICE_CHARACTERS]
    return len(text) >= SHORTEST_NOTICE and _notice.search(text) is not None


def _before_delimiter(lines: Sequence[str]) -> list[str]:
    for index, line in enumerate(lines):
        # "--" below a line of text is a heading in Markdown.
        is_apart = index == 0 or not lines[index - 1].strip()
        if line in _DELIMITERS and (line == "-- " or is_apart):
            return list(lines[:index])
    return list(lines)


def _drop_program_lines(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept:
        last = kept[-1].strip()
        # With the address of an app behind it.
        bare = re.sub(r"\s?[<(]https?://[^\s<>()]{1,300}[>)]", "", last[:1000])
        # Members write sentences with such beginnings, too: "Sent from my desk, which is easier than my phone."
        is_of_program = _program.fullmatch(bare) and _device.search(bare) and ("," not in bare or ":" in bare)
        if last and not (is_of_program or _scanner.fullmatch(bare) or _advertisement.search(last)):
            break
        kept.pop()
    return kept


def _find_closing(lines: Sequence[str]) -> int | None:
    """Where a closing formula alone on its line begins the last lines, all of them short."""
    for index in range(max(len(lines) - SIGNATURE_LINES - 1, 0), len(lines)):
        formula = lines[index].strip().rstrip(",.!")
        if len(formula) < 60 and _closing.fullmatch(formula):
            rest = [line.strip() for line in lines[index + 1 :]]
            is_short = all(len(line) <= LONGEST_SIGNATURE_LINE and "?" not in line for line in rest)
            return index if is_short and not any(_postscript.match(line) for line in rest) else None
    return None
