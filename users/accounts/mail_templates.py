"""The mails of accounts, which are all transactional: a member, or the owner of an address, must get them."""

from core.mail import MailClass, declare_mail

EMAIL_CHANGED = declare_mail("account/email/email_changed", MailClass.TRANSACTIONAL)
# The member asks for it, to show that mail arrives.
ADDRESS_CHECK = declare_mail("account/email/address_check", MailClass.TRANSACTIONAL, confirms_address=True)

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
    declare_mail(
        f"account/email/{name}",
        MailClass.TRANSACTIONAL,
        # A reset, too: a wrong report must lock nobody out.
        confirms_address=name.startswith(("email_confirmation", "password_reset_key")),
    )
