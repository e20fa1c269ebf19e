"""The checks of `manage.py doctor`: everything that LinkUp depends on, with hints what to do."""

from .checks import CHECKS
from .findings import Finding, Verdict, collect_findings
from .mail import mail_checks

__all__ = ["CHECKS", "Finding", "Verdict", "collect_findings", "mail_checks"]
