"""What doctor says of nginx's connections, of files as they lie on servers."""

from pathlib import Path

import pytest
from django.test import override_settings

from operations.doctor import checks
from operations.doctor.findings import Verdict

# The file, whether doctor warns of it, and what it says.
FILES = {
    # As Debian ships it, and after the line of docs/DEPLOYMENT.md.
    "events {\n\tworker_connections 768;\n\t# multi_accept on;\n}": (True, "worker_connections 768: 384"),
    "events {\n\tworker_connections 8192;\n}": (False, "worker_connections 8192: 4096"),
    # 512 is what nginx takes where nothing is found, or only in a comment.
    "events {}": (True, "worker_connections 512: 256"),
    "events {\n\t# worker_connections 8192;\n}": (True, "worker_connections 512: 256"),
    "events { worker_connections\t4096 ; }": (False, "worker_connections 4096: 2048"),
}


@override_settings(DEMO_NETWORK=False)
def test_too_few_connections_of_nginx_are_warned_of_and_comments_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "NGINX", tmp_path / "nginx.conf")
    wrong = []
    for text, (warns, words) in FILES.items():
        (tmp_path / "nginx.conf").write_text(text)
        ((verdict, found, hint),) = checks.check_nginx()
        is_right = (verdict == Verdict.WARNING) == warns and found.startswith(words)
        if not is_right or (warns and "worker_connections 8192;" not in hint):
            wrong.append((text, verdict, found, hint))
    assert wrong == []


@override_settings(DEMO_NETWORK=False)
def test_an_nginx_that_is_elsewhere_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NGINX", tmp_path / "none.conf")
    assert [answer[0] for answer in checks.check_nginx()] == [Verdict.OK]
