"""The checks of `manage.py doctor --mail`: a whole message, its way to the mail server, and what the DNS says of us."""

import ssl
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, NoResolverConfiguration, Resolver
from dns.reversename import from_address

from core.bounces.envelope import envelope_domain
from core.bounces.inbound import complaint_address
from core.bounces.monitoring import count_suppressed
from core.mail import MailClass, render_mail
from core.mail_headers import build_headers
from core.models import OutgoingMail, SuppressedAddress
from core.outgoing_mail import build_message

from .findings import Check, CheckResult, report_failure, report_ok, report_warning
from .hints import hint_for_mail
from .servers import TIMEOUT_SECONDS, check_mail

# Any mail without a link for one member.
SAMPLE = "account/email/password_changed"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
Reason = SuppressedAddress.Reason
Query = Callable[[str, str], list[str]]


def mail_checks(resolver: Resolver | None = None) -> tuple[tuple[str, Check], ...]:
    """Return the checks; without `resolver` they ask the one of this machine."""
    query = partial(query_dns, resolver)
    checks = (("SPF", check_spf), ("DKIM", check_dkim), ("DMARC", check_dmarc), ("PTR", check_ptr))
    return (
        ("message", check_message),
        ("mail", check_mail),
        ("mail session", check_session),
        *((subject, partial(check_by_dns, check, query)) for subject, check in checks),
        ("bounces", check_suppressed),
        ("bounce domain", partial(check_by_dns, check_bounce_domain, query)),
        ("reply domain", partial(check_by_dns, check_reply_domain, query)),
    )


def check_message() -> Iterator[CheckResult]:
    """Check that a whole message can be built: both parts, and its headers."""
    size = len(build_sample())
    yield report_ok(f"from {settings.DEFAULT_FROM_EMAIL}, {size / 1024:.0f} kB with text and HTML")


def build_sample() -> bytes:
    """Return a whole message as it would be transmitted."""
    receiver = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    subject, text, html = render_mail(SAMPLE, {})
    row = OutgoingMail(
        recipient=receiver,
        subject=subject,
        text=text,
        html=html,
        headers=build_headers(MailClass.TRANSACTIONAL),
    )
    return bytes(build_message(row).message().as_bytes(linesep="\r\n"))


def check_session() -> Iterator[CheckResult]:
    """Check whether the session with the mail server is encrypted, and whether it signs in."""
    backend = get_connection(fail_silently=False)
    if not isinstance(backend, EmailBackend):
        return
    backend.timeout = int(TIMEOUT_SECONDS)
    try:
        backend.open()
        server = backend.connection
        socket = server.sock if server else None
        version = socket.version() if isinstance(socket, ssl.SSLSocket) else None
    except (OSError, ValueError, SMTPException) as error:
        yield report_failure(type(error).__name__, hint_for_mail(error))
        return
    finally:
        backend.close()
    login = "signed in" if settings.EMAIL_HOST_USER else "without signing in"
    if version or settings.EMAIL_HOST in LOCAL_HOSTS:
        yield report_ok(f"{version or 'no TLS, on this machine'}, {login}")
    else:
        hint = "Set EMAIL_USE_TLS=True for port 587 or 25, EMAIL_USE_SSL=True for port 465."
        yield report_warning(f"no TLS: mail can be read on the way, {login}", hint)


def query_dns(resolver: Resolver | None, name: str, kind: str) -> list[str]:
    """Return the records, with the parts of a text joined; [] when there are none. Raises DNSException."""
    resolver = resolver or Resolver()
    try:
        answer = resolver.resolve(name, kind, lifetime=TIMEOUT_SECONDS)
    except (NoAnswer, NXDOMAIN):
        return []
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [str(record).rstrip(".") for record in answer]


def check_by_dns(check: Callable[[Query], Iterator[CheckResult]], query: Query) -> Iterator[CheckResult]:
    """Run `check`; a domain that is not public, or a machine without a resolver, is no problem of the site."""
    domain = domain_of(settings.DEFAULT_FROM_EMAIL)
    if "." not in domain or domain.startswith("["):
        yield report_ok(f"not checked: {domain} is no public domain")
        return
    try:
        yield from check(query)
    except (DNSException, NoResolverConfiguration, OSError) as error:
        yield report_ok(f"not checked: no resolver answers here ({type(error).__name__})")


def check_spf(query: Query) -> Iterator[CheckResult]:
    """Check the record of the envelope's domain, which names the servers that send for it (RFC 7208)."""
    domain = envelope_domain()
    records = [text for text in query(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        hint = f"Publish a TXT record for {domain}, such as: v=spf1 mx ~all (your provider says what to include)."
        yield report_warning(f"{domain} has no record", hint)
    elif len(records) > 1:
        yield report_failure(f"{domain} has {len(records)} records, so none counts", "Merge them into one.")
    elif not {"-all", "~all"} & set(records[0].lower().split()) and "redirect=" not in records[0].lower():
        yield report_warning(
            f"{domain}: {records[0]}", "End the record with ~all or -all, or it says nothing."
        )
    else:
        yield report_ok(f"{domain}: {records[0]}")


def check_dkim(query: Query) -> Iterator[CheckResult]:
    """Check that the key in the DNS verifies a message that LinkUp has signed, if it signs (RFC 6376)."""
    selector, domain = settings.DKIM_SELECTOR, settings.DKIM_DOMAIN
    if not selector:
        yield report_ok("LinkUp does not sign; see that the mail server does, or set DKIM_SELECTOR")
        return
    name = f"{selector}._domainkey.{domain}"
    keys = query(name, "TXT")
    if not keys:
        yield report_failure(f"{name} has no key", "Publish the public key there: docs/MAIL.md")
        return
    message = build_sample()
    verifier: Any = import_module("dkim")
    if not verifier.verify(message, dnsfunc=lambda _name, timeout: keys[0].encode()):
        yield report_failure(
            f"the key of {name} does not fit DKIM_KEY_FILE", "Publish the one that belongs to it."
        )
    elif not f".{domain_of(settings.DEFAULT_FROM_EMAIL)}".endswith(f".{domain}"):
        hint = "Let DKIM_DOMAIN be the domain of DEFAULT_FROM_EMAIL, or above it."
        yield report_warning(f"{domain} is not aligned with the sender", hint)
    else:
        yield report_ok(f"{name} verifies what LinkUp signs")


def check_dmarc(query: Query) -> Iterator[CheckResult]:
    """Check the policy of the domain that members see, and that the envelope is aligned with it (RFC 7489 3.1)."""
    visible, envelope = domain_of(settings.DEFAULT_FROM_EMAIL), envelope_domain()
    holder, records = find_policy(visible, query)
    if not records:
        hint = (
            f"Publish a TXT record for _dmarc.{visible}, such as: v=DMARC1; p=none; rua=mailto:you@{visible}"
        )
        yield report_warning(f"{visible} has no policy; large providers refuse bulk mail without", hint)
        return
    tags = {
        tag.strip().lower(): value.strip().lower()
        for tag, _equals, value in (part.partition("=") for part in records[0].split(";"))
    }
    is_strict = tags.get("aspf") == "s"
    is_aligned = envelope == visible or (
        not is_strict and all(f".{name}".endswith(f".{holder}") for name in (envelope, visible))
    )
    if is_aligned:
        yield report_ok(f"{holder}: p={tags.get('p', 'none')}; the envelope ({envelope}) is aligned with SPF")
    else:
        hint = (
            f"Let MAIL_ENVELOPE_SENDER be an address of {visible}, or let the mail server sign for it (DKIM)."
        )
        yield report_warning(f"the envelope ({envelope}) is not aligned with {visible}", hint)


def find_policy(domain: str, query: Query) -> tuple[str, list[str]]:
    """Return the domain that has the policy for `domain`, itself or one above it, and its records."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        holder = ".".join(labels[start:])
        records = [text for text in query(f"_dmarc.{holder}", "TXT") if text.startswith("v=DMARC1")]
        if records:
            return holder, records
    return domain, []


def check_suppressed() -> Iterator[CheckResult]:
    """Say how many addresses get no mail, and whether failed deliveries are noticed at all."""
    counts = count_suppressed()
    stopped = sum(number for reason, number in counts.by_reason.items() if reason != Reason.COUNTING)
    text = (
        f"mail to {stopped} addresses is stopped, {counts.reported_lately} had a report in the last 24 hours"
    )
    if settings.BOUNCE_DOMAIN or settings.MAILGUN_WEBHOOK_KEY or settings.SENDGRID_WEBHOOK_KEY:
        yield report_ok(text)
    else:
        yield report_ok(f"{text}; failed deliveries are not noticed without BOUNCE_DOMAIN or a webhook")


def check_bounce_domain(query: Query) -> Iterator[CheckResult]:
    """Check that mail to BOUNCE_DOMAIN arrives somewhere, and print the address for complaints."""
    domain = settings.BOUNCE_DOMAIN
    details = f"; address for feedback loops: {complaint_address()}" if domain else ""
    yield check_receiving_domain(domain, details, query)


def check_reply_domain(query: Query) -> Iterator[CheckResult]:
    """Check that mail to REPLY_DOMAIN arrives somewhere."""
    yield check_receiving_domain(settings.REPLY_DOMAIN, "", query)


def check_receiving_domain(domain: str, details: str, query: Query) -> CheckResult:
    """Return whether the domain has a mail server (RFC 5321 5.1); `details` are added when it has."""
    if not domain:
        return report_ok("not set")
    if not (query(domain, "MX") or query(domain, "A") or query(domain, "AAAA")):
        hint = f"Publish an MX record for {domain} that names the server where receive_mail runs."
        return report_warning(f"{domain} receives no mail", hint)
    return report_ok(f"{domain}{details}")


def check_ptr(query: Query) -> Iterator[CheckResult]:
    """Check that the address of a machine that sends by itself has a name, which leads back to the address."""
    if settings.EMAIL_HOST not in LOCAL_HOSTS:
        yield report_ok(f"not checked: {settings.EMAIL_HOST} sends, whose operator sees to it")
        return
    host = urlsplit(settings.SITE_URL).hostname or ""
    addresses = query(host, "A") + query(host, "AAAA")
    if not addresses:
        yield report_ok(f"not checked: {host} has no address")
    for address in addresses:
        names = query(str(from_address(address)), "PTR")
        kind = "AAAA" if ip_address(address).version == 6 else "A"
        if any(address in query(name, kind) for name in names):
            yield report_ok(f"{address} is {names[0]}")
        else:
            hint = f"Let your provider set the reverse name of {address}, and let that name lead to it."
            yield report_warning(f"{address} has no name that leads back to it", hint)


def domain_of(mailbox: str) -> str:
    """Return the domain of an address with or without a name."""
    return parseaddr(mailbox)[1].rpartition("@")[2].lower()
