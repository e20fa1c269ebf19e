"""Computes the score of Mozilla's HTTP Observatory for a response over HTTPS, by its published chart.

The rules, in our own words: github.com/mdn/mdn-http-observatory, `src/grader/charts.js` (what each finding is worth),
`src/analyzer/tests/*.js` (how it is found), `src/scanner/index.js` (100 points, minus what is lost; what is won counts
only from 90 on). The preload list is not asked (+5 for those on it), and hashes of scripts win nothing here (+5).
Where the chart's words are stricter than its code, so are we: `form-action` must be 'self' or 'none'.
"""

import re
from collections.abc import Mapping, Sequence
from http.cookies import SimpleCookie

# Sources that let in more than one site, and those that let in inline scripts.
BROAD = {"ftp:", "http:", "https:", "*", "http://*", "http://*.*", "https://*", "https://*.*"}
INLINE = {"'unsafe-inline'", "data:"}
SIX_MONTHS = 15_552_000
PRIVATE_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
UNSAFE_REFERRERS = {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}
MIN_SCORE_FOR_BONUS = 90

# Header names in lower case, each with all its values.
Headers = Mapping[str, Sequence[str]]
Policy = dict[str, set[str]]


def compute_score(headers: Headers, body: str = "") -> int:
    """Return the score of a response: 100 without findings, at most 130 by headers alone."""
    found = grade_headers(headers, body).values()
    lost = 100 + sum(points for points in found if points < 0)
    return 100 + sum(found) if lost >= MIN_SCORE_FOR_BONUS else lost


def grade_headers(headers: Headers, body: str = "") -> dict[str, int]:
    """Return the points of each test, negative or positive."""
    policy = parse_policy(headers.get("content-security-policy", []))
    return {
        "content-security-policy": _policy_points(policy),
        "cookies": _cookie_points(headers),
        "cross-origin-resource-sharing": _sharing_points(headers),
        "referrer-policy": _referrer_points(headers),
        "strict-transport-security": _transport_points(headers),
        "subresource-integrity": _script_points(body),
        "x-content-type-options": 0 if _last(headers, "x-content-type-options") == "nosniff" else -5,
        "x-frame-options": _frame_points(headers, policy),
        "cross-origin-resource-policy": _resource_points(headers),
    }


def parse_policy(values: Sequence[str]) -> Policy:
    """Return the sources by directive, of all policies of a response; the first directive of a name counts."""
    policy: Policy = {}
    for directive in ";".join(value.replace(",", ";") for value in values).split(";"):
        words = directive.lower().split()
        if words:
            policy.setdefault(words[0], set(words[1:]))
    return policy


def _last(headers: Headers, name: str) -> str:
    values = headers.get(name, [])
    return values[-1].strip().lower() if values else ""


def _policy_points(policy: Policy) -> int:
    if not policy:
        return -25
    everything = policy.get("default-src", {"*"})
    script, style, objects = (
        policy.get(name, everything) for name in ("script-src", "style-src", "object-src")
    )
    passive = policy.get("img-src", everything) | policy.get("media-src", everything)
    active = {
        source
        for name, sources in policy.items()
        if name not in {"img-src", "media-src"}
        for source in sources
    }
    losses = [
        (bool(script & (BROAD | INLINE) or objects & BROAD), -20),
        (any(source.startswith(("http:", "ftp:")) for source in active), -20),
        ("'unsafe-eval'" in script | style, -10),
        (any(source.startswith(("http:", "ftp:")) for source in passive), -10),
        (bool(style & (BROAD | INLINE)), 0),
    ]
    for is_so, points in losses:
        if is_so:
            return points
    closed = everything == {"'none'"} and policy.get("form-action", {"*"}) in ({"'self'"}, {"'none'"})
    return 10 if closed else 5


def _cookie_points(headers: Headers) -> int:
    cookies = [morsel for line in headers.get("set-cookie", []) for morsel in SimpleCookie(line).values()]
    if not cookies:
        return 0
    guarded = _transport_points(headers) == 0
    points = [5 if all(cookie["samesite"] for cookie in cookies) else 0]
    for cookie in cookies:
        is_session = any(word in cookie.key.lower() for word in ("login", "sess"))
        if cookie["samesite"] and cookie["samesite"].lower() not in {"lax", "strict", "none"}:
            points.append(-20)
        if not cookie["secure"]:
            points.append((-10 if guarded else -40) if is_session else (-5 if guarded else -20))
        if "csrf" in cookie.key.lower() and not cookie["samesite"]:
            points.append(-20)
        if is_session and not cookie["httponly"]:
            points.append(-30)
    return min(points)


def _sharing_points(headers: Headers) -> int:
    """Reflecting the origin together with credentials lets all sites read all responses."""
    origin, credentials = (
        _last(headers, f"access-control-allow-{name}") for name in ("origin", "credentials")
    )
    return -50 if origin and origin != "*" and credentials == "true" else 0


def _referrer_points(headers: Headers) -> int:
    given = [
        word.strip().lower() for value in headers.get("referrer-policy", []) for word in value.split(",")
    ]
    if not given:
        return 0
    known = [word for word in given if word in PRIVATE_REFERRERS | UNSAFE_REFERRERS]
    return 5 if known and known[-1] in PRIVATE_REFERRERS else -5


def _transport_points(headers: Headers) -> int:
    values = headers.get("strict-transport-security", [])
    match = (
        re.search(r"(?:^|;)\s*max-age=(\d+)", values[0].lower()) if values and "," not in values[0] else None
    )
    if match is None:
        return -20
    return 0 if int(match[1]) >= SIX_MONTHS else -10


def _frame_points(headers: Headers, policy: Policy) -> int:
    if "frame-ancestors" in policy:
        return 5
    return 0 if _last(headers, "x-frame-options") in {"deny", "sameorigin"} else -20


def _resource_points(headers: Headers) -> int:
    points = {"same-origin": 10, "same-site": 10, "cross-origin": 0, "": 0}
    return points.get(_last(headers, "cross-origin-resource-policy"), -5)


def _script_points(body: str) -> int:
    """Return -5 for scripts of other sites without a hash, -50 if one is not loaded by HTTPS."""
    foreign = re.findall(r"<script[^>]*\ssrc=[\"']((?:https?:)?//[^\"']+)", body, re.IGNORECASE)
    return 0 if not foreign else (-5 if all(address.startswith("https:") for address in foreign) else -50)
