"""What `manage.py doctor` examines: everything that LinkUp leans on, each with what to do about it."""

from .findings import Finding, Verdict, examine
from .questions import QUESTIONS

__all__ = ["QUESTIONS", "Finding", "Verdict", "examine"]
