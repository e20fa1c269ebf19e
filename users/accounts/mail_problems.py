"""What a member reads when mail to the own address is stopped."""

from django.utils.translation import gettext as _

from core.bounces.suppression import COMPLAINT


def describe_problem(problem: str, email: str) -> str:
    """Return a sentence for the problem of a member's row: a status code (RFC 3463) or "complaint"."""
    if problem == COMPLAINT:
        return _(
            "You have marked a message from us as unwanted, so %(email)s gets only messages about your account."
        ) % {"email": email}
    if problem.startswith("5.1."):
        reason = _("there is no such mailbox")
    elif problem[1:].startswith(".2.2"):
        reason = _("the mailbox is full")
    elif problem[1:].startswith(".4."):
        reason = _("the mail server there does not answer")
    else:
        reason = _("the mail server there refuses it")
    return _("Mail to %(email)s cannot be delivered: %(reason)s.") % {"email": email, "reason": reason}
