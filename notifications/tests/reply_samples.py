"""Sixty replies as mail programs write them, each with the words that belong to its sender."""

from html import escape

from .reply_mails import ADDRESS, SENDER, alternative, html_body, inner_html, mail, original, quoted

WORDS = "The morning suits me.\n\nShall I bring the plans?"
LONG = (
    "Yes, the morning suits me, although I would have to leave before eleven because of the meeting of the board on "
    "the other side of the town.\n\nCould you book the small room?"
)
GERMAN = (
    "Der Vormittag passt mir gut.\n\nSoll ich die Pläne für das Gebäude mitbringen? Viele Grüße auch an Jörg."
)
FRENCH = "Le matin me convient très bien.\n\nFaut-il que j'apporte les plans ? Ce sera prêt dès jeudi."
SPANISH = "Por la mañana me viene bien.\n\n¿Llevo los planos? Están listos."
DUTCH = "De ochtend komt mij goed uit.\n\nZal ik de plannen meebrengen? Eén exemplaar is genoeg."

Samples = dict[str, tuple[bytes, str]]


IN_BRACKETS = SENDER.replace("<", "(<").replace(">", ">)")
MUTT = "On Mon, Nov 30, 2026 at 03:04:05PM +0100, LinkUp wrote:"
LINE = "_" * 32
FIELDS = {
    "en": ("From: ", "Sent: Monday, November 30, 2026 3:04 PM", "To: Alice", "Subject: Bob commented"),
    "de": ("Von: ", "Gesendet: Montag, 30. November 2026 15:04", "An: Alice", "Betreff: Bob commented"),
    "fr": ("De : ", "Envoyé : lundi 30 novembre 2026 15:04", "À : Alice", "Objet : Bob commented"),
    "es": (
        "De: ",
        "Enviado el: lunes, 30 de noviembre de 2026 15:04",
        "Para: Alice",
        "Asunto: Bob commented",
    ),
    "nl": ("Van: ", "Verzonden: maandag 30 november 2026 15:04", "Aan: Alice", "Onderwerp: Bob commented"),
}
CLOSINGS = {
    "en": "Best regards,\nAlice",
    "de": "Mit freundlichen Grüßen\n\nAlice Álvarez\nVorstand",
    "fr": "Cordialement,\nAlice",
    "es": "Un saludo,\nAlice",
    "nl": "Met vriendelijke groet,\nAlice",
}
OF_LANGUAGE = {"en": WORDS, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "nl": DUTCH}
# More introductions than there are samples: languages and folds, above a quotation with ">" and without.
INTRODUCTIONS = [
    f"Am Mo., 30. Nov. 2026 um 15:04 Uhr schrieb LinkUp <\n{ADDRESS}>:",
    f"Am Mo., 30. Nov. 2026, 15:04 {SENDER}\nschrieb:",
    f"On Nov 30, 2026, at 15:04, LinkUp\n<{ADDRESS}>\nwrote:",
    f"Den 30. nov. 2026 kl. 15.04 skrev {SENDER}:",
    f"2026. nov. 30., h 15:04 időpontban {SENDER} ezt írta:",
    f"ma 30. marrask. 2026 klo 15.04 LinkUp ({ADDRESS}) kirjoitti:",
    f"пн, 30 нояб. 2026 г. в 15:04, {SENDER}:",
    f"{SENDER}, 30 Kas 2026 Pzt, 15:04 tarihinde şunu yazdı:",
    f"2026年11月30日(月) 15:04 {SENDER}:",
    f"po 30. 11. 2026 v 15:04 odesílatel {SENDER} napsal:",
    f"Il giorno lun 30 nov 2026 alle ore 15:04 LinkUp <\n{ADDRESS}> ha scritto:",
    f"Od: {SENDER}\nWysłano: poniedziałek, 30 listopada 2026 15:04\nDo: Alice\nTemat: Bob commented",
    f"De: {SENDER}\nEnviado: segunda-feira, 30 de novembro de 2026 15:04\nPara: Alice\nAssunto: Bob",
    f"Von: LinkUp\n<{ADDRESS}>\nGesendet: Montag, 30. November 2026 15:04\nAn: Alice\nBetreff: Bob",
    f"------------------------------\n\n*Van:* LinkUp [mailto:{ADDRESS}]\n*Verzonden:* maandag 30 november 2026",
    f"---------- Original Message ----------\nFrom: {SENDER}\nDate: November 30, 2026 at 3:04 PM\nSubject: Bob",
]


def _blocks(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


def _fields(language: str = "en") -> str:
    """The lines that Outlook writes above the original."""
    first, *others = FIELDS[language]
    return "\n".join([f"{first}{SENDER}", *others])


def _gmail() -> Samples:
    html = (
        '<div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">{}<br></div>'
        '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{}</blockquote></div>'
    )
    introductions = {
        "en": f"On Mon, Nov 30, 2026 at 3:04 PM {SENDER}\nwrote:",
        "de": f"Am Mo., 30. Nov. 2026 um 15:04 Uhr schrieb {SENDER}:",
        "fr": f"Le lun. 30 nov. 2026 à 15:04, {SENDER} a\nécrit :",
        "es": f"El lun, 30 nov 2026 a las 15:04, {IN_BRACKETS} escribió:",
        "nl": f"Op ma 30 nov 2026 om 15:04 schreef {SENDER}:",
    }
    found: Samples = {}
    for language, introduction in introductions.items():
        words = OF_LANGUAGE[language]
        text = mail(_blocks(words, introduction, quoted()), encoding="quoted-printable")
        shown = html_body(words, html.format(escape(introduction), inner_html()))
        found[f"Gmail {language}"] = alternative(text, mail(shown, kind="html")), words
        if language == "de":
            found["Gmail without text"] = mail(shown, kind="html", encoding="base64"), words
    english, signature = introductions["en"], "-- \nAlice Álvarez\nBoard, Example Society\n+49 30 5550123\n"
    first, second = WORDS.split("\n\n")
    between = [english, quoted(last=6), first, quoted(first=6) + "\n>", second]
    return found | {
        "Gmail with a signature": (mail(_blocks(WORDS, signature, english, quoted())), WORDS),
        "Gmail below the quotation": (mail(_blocks(english, quoted(), WORDS)), WORDS),
        "Gmail between the lines": (mail(_blocks(*between)), WORDS),
    }


def _apple() -> Samples:
    programs = {
        "en": (f"On 30. Nov 2026, at 15:04, {SENDER} wrote:", "Sent from my iPhone"),
        "de": (f"Am 30.11.2026 um 15:04 schrieb {SENDER}:", "Von meinem iPhone gesendet"),
        "fr": (f"Le 30 nov. 2026 à 15:04, {SENDER} a écrit :", "Envoyé de mon iPhone"),
        "es": (f"El 30 nov 2026, a las 15:04, {SENDER} escribió:", "Enviado desde mi iPhone"),
        "nl": (
            f"Op 30 nov. 2026 om 15:04 heeft {SENDER} het volgende geschreven:",
            "Verstuurd vanaf mijn iPhone",
        ),
    }
    found: Samples = {}
    for language, (introduction, device) in programs.items():
        words = OF_LANGUAGE[language]
        desktop = f"{words}\n\n{quoted(introduction)}\n>\n{quoted()}\n"
        found[f"Apple Mail {language}"] = mail(desktop, encoding="quoted-printable"), words
        phone = f"{words}\n\n{device}\n\n{quoted(introduction)}\n> \ufeff{quoted()[2:]}\n"
        found[f"iPhone {language}"] = mail(phone, encoding="base64"), words
    introduction, device = programs["nl"]
    cited = (
        f'<blockquote type="cite"><div dir="ltr">{escape(introduction)}<br></div>{inner_html()}</blockquote>'
    )
    found["iPad without text"] = mail(html_body(DUTCH, device + cited), kind="html"), DUTCH
    return found


def _outlook() -> Samples:
    found: Samples = {}
    for language, words in OF_LANGUAGE.items():
        signed = f"{words}\n\n{CLOSINGS[language]}"
        shown = escape(_fields(language)).replace("\n", "<br>")
        border = f'<div style="border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal">{shown}</p></div>{inner_html()}'
        text = _blocks(signed, _fields(language), original()[0])
        plain = mail(text, charset="windows-1252", codec="cp1252", encoding="quoted-printable")
        found[f"Outlook {language}"] = alternative(plain, mail(html_body(signed, border), kind="html")), words
        head = f'<div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr">{shown}<div>&nbsp;</div></div>'
        html = html_body(words, head + inner_html())
        found[f"Outlook on the web {language}"] = mail(html, kind="html", encoding="base64"), words
    ios = f"Get Outlook for iOS<https://aka.ms/o0ukef>\n{LINE}\n{_fields()}"
    android = f"Holen Sie sich Outlook für Android<https://aka.ms/AAb9ysg>\n{LINE}\n{_fields('de')}"
    old = f"-----Original Message-----\n{_fields()}"
    return found | {
        "Outlook for iOS": (mail(_blocks(WORDS, ios, original()[0])), WORDS),
        "Outlook for Android": (mail(_blocks(GERMAN, android, original()[0]), encoding="base64"), GERMAN),
        "Outlook 2003": (mail(_blocks(WORDS, old, quoted()), charset="us-ascii", codec="cp1252"), WORDS),
        "Outlook without words": (mail(_blocks("", _fields(), original()[0])), ""),
    }


def _thunderbird() -> Samples:
    flowed = "; format=flowed"
    folded = LONG.replace("leave before", "leave \nbefore").replace("on the", "on \nthe")
    german = f"Am 30.11.26 um 15:04 schrieb LinkUp:\n{quoted()}"
    card = "-- \nAlice Álvarez\nExample Society\nhttps://example.org"
    first, second = WORDS.split("\n\n")
    between = [
        "Am 30.11.26 um 15:04 schrieb LinkUp:\n" + quoted(last=6),
        first,
        quoted(first=6),
        second,
        card,
    ]
    found = {
        "above": (
            mail(_blocks(WORDS, f"On 30.11.26 15:04, LinkUp wrote:\n{quoted()}"), parameters=flowed),
            WORDS,
        ),
        "flowed": (
            mail(_blocks(folded, f"On 11/30/26 3:04 PM, LinkUp wrote:\n{quoted()}"), parameters=flowed),
            LONG,
        ),
        "below": (mail(_blocks(german, GERMAN, card), parameters=flowed), GERMAN),
        "between": (mail(_blocks(*between)), WORDS),
        "signature above": (mail(_blocks(GERMAN, card, german), charset="iso-8859-15"), GERMAN),
        "fr": (mail(_blocks(FRENCH, f"Le 30/11/2026 à 15:04, LinkUp a écrit :\n{quoted()}")), FRENCH),
        "es": (mail(_blocks(SPANISH, f"El 30/11/26 a las 15:04, LinkUp escribió:\n{quoted()}")), SPANISH),
        "nl": (mail(_blocks(DUTCH, f"Op 30-11-2026 om 15:04 schreef LinkUp:\n{quoted()}")), DUTCH),
        "only quotation": (mail(_blocks(german, card)), ""),
    }
    return {f"Thunderbird {name}": sample for name, sample in found.items()}


def _web_mail() -> Samples:
    sender = escape(SENDER)
    gmx_fields = f"Gesendet: Montag, 30. November 2026 um 15:04 Uhr\nVon: {SENDER}\nAn: alice@example.org\nBetreff: Bob"
    gmx = (
        '<div name="quote" style="border-left:2px solid #C3D9E5"><div>'
        f'{escape(gmx_fields).replace(chr(10), "<br>")}</div><div name="quoted-content">{inner_html()}</div></div>'
    )
    at = "On Monday, November 30, 2026 at 03:04:05 PM GMT+1"
    yahoo = f'<div id="yq" class="yahoo_quoted"><div>{at}, {sender} wrote:</div>{inner_html()}</div>'
    indented = f"    {at}, {SENDER} wrote:  \n \n" + "\n".join(
        f"  {line}" for line in original()[0].splitlines()
    )
    cited = f'<blockquote type="cite">{inner_html()}</blockquote>'
    proton = f'<div class="protonmail_quote">{at}, {sender} wrote:<br>{cited}</div>'
    sent_with = "Sent with [Proton Mail](https://proton.me/mail/home) secure email."
    zimbra = (
        f'----- Mail original -----\nDe: "LinkUp" {sender}\nÀ: "Alice" <alice@example.org>\n'
        "Envoyé: Lundi 30 Novembre 2026 15:04:05\nObjet: Bob"
    )
    html = mail(html_body(GERMAN, gmx), kind="html")
    fastmail = f"On Mon, Nov 30, 2026, at 3:04 PM, LinkUp wrote:\n{quoted()}"
    return {
        "GMX without text": (html, GERMAN),
        "web.de": (alternative(mail(_blocks(GERMAN, gmx_fields, original()[0])), html), GERMAN),
        "Yahoo": (mail(_blocks(f" {WORDS}", indented)), WORDS),
        "Yahoo without text": (mail(html_body(WORDS, yahoo), kind="html"), WORDS),
        "Yahoo for iPhone": (mail(_blocks(WORDS, "Sent from Yahoo Mail for iPhone", indented)), WORDS),
        "Proton": (mail(_blocks(WORDS, sent_with, f"{at}, {SENDER} wrote:", quoted())), WORDS),
        "Proton without text": (mail(html_body(WORDS, proton), kind="html"), WORDS),
        "Roundcube": (mail(_blocks(f"Am 2026-11-30 15:04, schrieb LinkUp:\n{quoted()}", GERMAN)), GERMAN),
        "Fastmail": (mail(_blocks(WORDS, fastmail)), WORDS),
        "Zimbra": (mail(_blocks(FRENCH, zimbra, original()[0])), FRENCH),
    }


def _other() -> Samples:
    k9 = "-- \nDiese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet."
    k9_quote = f"Am 30. November 2026 15:04:05 MEZ schrieb {SENDER}:\n{quoted()}"
    samsung = (
        f"-------- Ursprüngliche Nachricht --------\nVon: {SENDER}\nDatum: 30.11.26 15:04 (GMT+01:00)\n"
        "An: alice@example.org\nBetreff: Bob"
    )
    mutt, first = f"{MUTT}\n{quoted()}", WORDS.partition("\n")[0]
    between = [f"{MUTT}\n{quoted(last=6)}", first, quoted(first=6), WORDS.rpartition("\n")[2]]
    notice = "This e-mail is confidential and intended only for the person to whom it is addressed."
    portuguese = f"Em seg., 30 de nov. de 2026 às 15:04, {SENDER}\nescreveu:"
    unmarked = f"{MUTT}\n{quoted(original(is_marked=False)[0])}"
    own = "Hello,\n\nthe agenda:\n- welcome\n- plans: see https://example.org/plans\n\nTo: all, on 3 May."
    return {
        "K-9": (mail(_blocks(GERMAN, k9_quote, k9)), GERMAN),
        "K-9 signature above": (mail(_blocks(f"{GERMAN}\n{k9}", k9_quote)), GERMAN),
        "Samsung": (mail(_blocks(GERMAN, "Von meinem Galaxy gesendet", samsung, original()[0])), GERMAN),
        "mutt": (mail(_blocks(mutt, WORDS, "-- \nAlice"), charset="iso-8859-1", codec="cp1252"), WORDS),
        "mutt between": (mail(_blocks(*between)), WORDS),
        "behind a company's server": (mail(_blocks(WORDS, mutt, notice)), WORDS),
        "Portuguese": (mail(_blocks(WORDS, portuguese, quoted())), WORDS),
        "list and fields of the member": (mail(_blocks(own, mutt)), own),
        "no quotation": (mail(_blocks(WORDS)), WORDS),
        "our mark removed": (mail(_blocks(WORDS, unmarked)), WORDS),
        "charset unknown": (mail(_blocks(GERMAN, mutt), charset="x-mac-new", codec="utf-8"), GERMAN),
        "charset wrong": (mail(_blocks(GERMAN, mutt), charset="utf-8", codec="latin-1"), GERMAN),
        "quotation alone": (mail(_blocks(mutt)), ""),
    }


def reply_samples() -> Samples:
    """Each reply by its name: the mail and the words that are posted, "" for none."""
    return _gmail() | _apple() | _outlook() | _thunderbird() | _web_mail() | _other()
