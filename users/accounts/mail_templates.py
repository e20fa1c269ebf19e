"""The mails of accounts, which are all transactional: a member, or the owner of an address, must get them."""

from core.mail import MailClass, declare_mail

EMAIL_CHANGED = declare_mail("account/email/email_changed", MailClass.TRANSACTIONAL)

# Sent by allauth, through users.accounts.adapter.
ALLAUTH_MAILS = (
    "account_already_exists",
    "email_confirmation",
    "email_confirmation_signup",
    "email_deleted",
    "new_sign_in",
    "password_changed",
    "password_reset",
    "password_reset_key",
    "password_set",
    "unknown_account",
)
for name in ALLAUTH_MAILS:
    declare_mail(f"account/email/{name}", MailClass.TRANSACTIONAL)
