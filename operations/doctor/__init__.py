"""What `manage.py doctor` examines: everything that LinkUp leans on, each with what to do about it."""

from .checks import QUESTIONS
from .findings import Finding, Verdict, examine

__all__ = ["QUESTIONS", "Finding", "Verdict", "examine"]
