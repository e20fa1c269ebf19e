"""Models of the account, the card and the profile of a member."""

from ..audience import PresenceAudience
from .form_submission import FormSubmission
from .former_address import FormerAddress
from .member_view import MemberView
from .profile import Education, Experience, Link, Profile, Skill
from .user import User, display_name_of

__all__ = [
    "Education",
    "Experience",
    "FormSubmission",
    "FormerAddress",
    "Link",
    "MemberView",
    "PresenceAudience",
    "Profile",
    "Skill",
    "User",
    "display_name_of",
]
