"""The 117 reports that flufl.bounce is tested with, read from its source: who is found, and nobody wrongly."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from core.bounces.reports import read_failures
from core.bounces.status_codes import Severity
from core.inbound_mail.bounded_parser import parse_message
from scripts.programs import find_or_download_source
from tests.cases import all_cases

FEWEST_FOUND = 101


@pytest.fixture(scope="module")
def corpus() -> Path:
    return find_or_download_source("flufl-bounce") / "tests"


def read_expectations(corpus: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The permanent and the temporary failures by file name, as its own tests expect them of the right detector."""
    permanent: dict[str, set[str]] = defaultdict(set)
    temporary: dict[str, set[str]] = defaultdict(set)
    tree = ast.parse((corpus / "test_detectors.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DETECTORS":
            for _detector, name, addresses, is_temporary in ast.literal_eval(node.value):
                found = temporary if is_temporary else permanent
                found[name] |= {address.decode("ascii").lower() for address in addresses}
    # Its table expects that one detector finds nothing there; the report itself names the recipient.
    permanent["simple_42.txt"] = set(
        re.findall(r"Final-Recipient: rfc822;(\S+)", (corpus / "data" / "simple_42.txt").read_text())
    )
    return permanent, temporary


def test_the_corpus_is_read(corpus: Path) -> None:
    permanent, temporary = read_expectations(corpus)
    files = sorted((corpus / "data").glob("*.txt"))
    assert len(files) == 117
    found = 0
    with all_cases() as case:
        for file in files:
            with case(file.name):
                failures = read_failures(parse_message(file.read_bytes()))
                # Full mailboxes and refused senders are permanent to the server, and not to us.
                lasting = {failure.address for failure in failures if not failure.status.startswith("4.0")}
                stopping = {failure.address for failure in failures if failure.severity is Severity.HARD}
                assert lasting == permanent[file.name]
                assert stopping <= permanent[file.name]
                assert {failure.address for failure in failures} <= lasting | temporary[file.name]
                found += bool(lasting)
    assert found >= FEWEST_FOUND
