"""Settings of all environments; the other modules override only the differences (R2.4)."""

from email.utils import parseaddr
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from ..env import BASE_DIR, env
from .logs import console_config

DATA_DIR = Path(env.path("DATA_DIR", BASE_DIR))

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "core",
    "theme",
    "users",  # before allauth, whose templates it overrides
    "allauth",
    "allauth.account",
    "network",
    "feed",
    "messaging",
    "notifications",
    "operations",
    "demo",
    "channels",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    # Before all others, so that every log line and every response has the request's id.
    "core.web.middleware.RequestId",
    # Before all that may respond, so that refused requests are counted and timed, too.
    "core.observability.metrics_views.MeasureRequests",
    # Before all that may respond, so that all responses have their headers: a refused host, a redirect to HTTPS.
    "core.web.security_headers.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before all that may read the body: no URL accepts more than its limit.
    "core.web.middleware.LimitBody",
    "core.observability.health_views.HealthMiddleware",
    "core.web.middleware.SecurityEvents",
    "core.web.middleware.MethodPage",
    "core.web.middleware.DatabaseUnavailable",
    "django.middleware.security.SecurityMiddleware",
    "core.web.middleware.RefuseNullBytes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "users.middleware.PrivateCacheMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # After those that set the member and htmx on the request.
    "users.middleware.PageMemberMiddleware",
]

ROOT_URLCONF = "professional_network.urls"
WSGI_APPLICATION = "professional_network.wsgi.application"
ASGI_APPLICATION = "professional_network.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "professional_network" / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "theme.loaders.CompactLoader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                ),
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "notifications.context_processors.navigation",
            ],
            "builtins": [
                "core.templatetags.urls",
                "theme.templatetags.theme",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
        },
    },
]
# Templates of slots ({% slot "name" %}), by which a page of a lower app includes a part of a higher one.
TEMPLATE_SLOTS: dict[str, list[str]] = {
    "top_bar": ["site/_top_bar.html"],
    "notices": ["users/_mail_problem.html"],
    "bottom_bar": ["site/_bottom_bar.html"],
    "settings_tabs": ["site/_settings_tabs.html"],
    "scripts": ["feed/_post_menus.html", "site/_scripts.html"],
    "member_actions": ["messaging/_member_action.html"],
    "member_sections": ["feed/_member_section.html"],
}
FORM_RENDERER = "theme.forms.ThemeRenderer"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Accounts ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.backends.MemberBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "users.validators.MaximumLengthValidator"},
]
PASSWORD_HASHERS = [
    "users.accounts.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# Passwords hashed at the same time in one process. Each takes 100 MiB, so this limits the memory when many sign in
# at once, or in an attack: PASSWORD_HASHES_AT_ONCE x 100 MiB for each process, whatever WEB_THREADS is.
PASSWORD_HASHES_AT_ONCE = env.number("PASSWORD_HASHES_AT_ONCE", 2)
# How long the link for a new password is valid, in seconds.
PASSWORD_RESET_TIMEOUT = 3600
# Days until `tidy_accounts` deletes an account whose address was never confirmed; its username is then free again.
UNCONFIRMED_ACCOUNT_DAYS = env.number("UNCONFIRMED_ACCOUNT_DAYS", 7)
# Mail to people who are not members, which strangers can trigger by signing up or a password reset; 0: no limit.
MAIL_TO_NON_MEMBERS_PER_HOUR = env.number("MAIL_TO_NON_MEMBERS_PER_HOUR", 200)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "core.database.session_store"
# Marks a browser that a member has used before (users.accounts.known_browsers).
KNOWN_BROWSER_COOKIE_NAME = "known_browser"

ACCOUNT_ADAPTER = "users.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_FORMS = {
    "login": "users.forms.LoginForm",
    "signup": "users.forms.SignupForm",
    "reauthenticate": "users.forms.ReauthenticateForm",
    "reset_password": "users.forms.ResetPasswordForm",
    "reset_password_from_key": "users.forms.ResetPasswordKeyForm",
    "change_password": "users.forms.ChangePasswordForm",
    "set_password": "users.forms.SetPasswordForm",
    "add_email": "users.forms.AddEmailForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
# A stolen session is not enough to take over the account: the password is required again, and the member gets a mail.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_VALIDATORS = "users.validators.USERNAME_VALIDATORS"
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USER_DISPLAY = "users.models.display_name_of"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Per IP address ("ip", see core.web.client_ip), per account or mail address ("key"), per signed-in member ("user").
# Many people may share an IP address, so the limits per account are stricter.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    # Password guessing (users.accounts.sign_in_limits): five wrong passwords in five minutes for one username, and for
    # one account; ten a minute from one IP address. Browsers that the member has used before have separate limits.
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_account": "5/5m/key",
    "login_failed_known_browser": "5/5m/key",
    "signup": "20/m/ip",
    # Each one sends a mail: strangers must not fill a mailbox.
    "reset_password": "20/m/ip,5/15m/key",
    "confirm_email": "1/3m/key",
    # Mail that a member asks for to an address where mail has failed.
    "confirm_address_again": "3/15m/user",
    # All mails that strangers can trigger, to one mailbox in any spelling (users.accounts.mail_limits).
    "mail_to_mailbox": "5/15m/key",
    # Keys of links in mails are too long to guess; this only limits the cost of attempts.
    "reset_password_from_key": "20/m/ip",
    # After sign-in: a stolen session must not try passwords or addresses.
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
    "manage_email": "10/m/user",
}

# Rate limits of members (core.web.rate_limits): (times, seconds). For messages see messaging.services.
MEMBER_LIMITS = {
    # Posts, reposts and edits of them.
    "post": ((20, 60), (200, 86_400)),
    "comment": ((40, 60), (1000, 86_400)),
    "invitation": ((30, 60), (200, 86_400)),
    # People contacted in a day, each once: by mention, invitation, first message or as group members (network.reach).
    "reached": ((200, 86_400),),
    # The same in the first week of an account.
    "reached_when_new": ((20, 86_400),),
    # In the directory, in connections, and in a conversation.
    "search": ((120, 60),),
    # Pictures of posts and messages, photos and covers.
    "upload": ((40, 60), (600, 86_400)),
}
# A factor for all limits; 0 disables them.
MEMBER_LIMITS_FACTOR = env.number("MEMBER_LIMITS_FACTOR", 1, most=1_000_000)

# -- Language and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
# The time zone of pages; times are stored in UTC.
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")

# -- Files ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
# collectstatic joins scripts and what they import in these files. A bundle imports from earlier ones what it shares.
SCRIPT_BUNDLES = {
    # Every page.
    "site": ["theme/js/app.js"],
    # Every page of a member.
    "member": [
        "core/js/socket.js",
        "notifications/js/notifications.js",
        "messaging/js/unread-badge.js",
        "feed/js/new_posts.js",
    ],
    # The pages of messages; the scripts of an open conversation begin where one is on the page.
    "messages": ["messaging/js/messages.js"],
    "conversation": ["messaging/js/conversation.js"],
}
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# Where nginx serves private files (X-Accel-Redirect); when empty, the application streams them.
MEDIA_ACCEL_PREFIX = ""
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o644
DATA_UPLOAD_MAX_MEMORY_SIZE = 50 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 14  # of a message: nine pictures and five files
FILE_UPLOAD_HANDLERS = [
    "core.web.request_bodies.upload_handlers.LimitParts",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# The largest form of the admin has some hundred permissions.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# Django checks the limits above while it parses; these are checked before (core.web.request_bodies.body_limits). nginx
# has the first and the last one, too (client_max_body_size in deploy/nginx/linkup.conf).
# The longest text is 10,000 characters, 120 kB when it is encoded.
REQUEST_MAX_FORM = 1024 * 1024
REQUEST_MAX_JSON = 64 * 1024
# The largest upload of any form: nine pictures of 10 MB and a document of 20 MB, rounded up.
REQUEST_MAX_BODY = 128 * 1024 * 1024

# Cache times in seconds by kind of data (R11.2). Files with a hash in their name are cached for ever (WhiteNoise);
# "static" is for their plain names. Uploads never change under their name.
CACHE_TIMEOUTS = {"default": 300, "suggestions": 600, "static": 3600, "media": 604_800}

# Whether `seed_demo` may run: its passwords are public, so only in development and tests.
DEMO_NETWORK = False

# -- Mail -------------------------------------------------------------------------------------
# The URL of the site, for links in mails.
SITE_URL = env.origin("SITE_URL", "http://localhost:8000")
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", "LinkUp <no-reply@localhost>")
# What the network is called in mail.
NETWORK_NAME = env.title("NETWORK_NAME", "LinkUp")
# The digest of members who have not chosen.
DIGEST_DEFAULT = env.choice("DIGEST_DEFAULT", "weekly", ("daily", "weekly", "off"))
# Where undeliverable mail returns.
MAIL_ENVELOPE_SENDER = env.mail_address("MAIL_ENVELOPE_SENDER", parseaddr(DEFAULT_FROM_EMAIL)[1])
# Where answers to mails arrive (`manage.py receive_mail`); without it, mails cannot be answered.
REPLY_DOMAIN = env.mail_domain("REPLY_DOMAIN")
# The domain of which all addresses reach `manage.py receive_mail`: reports of failed delivery return there.
BOUNCE_DOMAIN = env.mail_domain("BOUNCE_DOMAIN")
# Keys of providers that report failures and complaints by webhook; without its key a webhook is a 404.
MAILGUN_WEBHOOK_KEY = env.secret("MAILGUN_WEBHOOK_KEY")
SENDGRID_WEBHOOK_KEY = env.text("SENDGRID_WEBHOOK_KEY")
EMAIL_TIMEOUT = 10
# Signatures of our own, for sites whose mail server does not sign.
DKIM_SELECTOR = env.host("DKIM_SELECTOR", "")
DKIM_DOMAIN = env.host("DKIM_DOMAIN", parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2])
DKIM_KEY_FILE = env.path("DKIM_KEY_FILE")
if bool(DKIM_SELECTOR) != bool(DKIM_KEY_FILE):
    env.errors.append("DKIM_SELECTOR, DKIM_KEY_FILE: give both or neither")

# -- Background tasks (core.tasks) ---------------------------------------------------------------
# Who executes tasks: workers (celery), a thread of each server process (thread), or the caller (immediate).
TASK_EXECUTOR = "thread"

# -- Security of all environments -------------------------------------------------------------
# Proxies whose X-Forwarded-For is trusted: addresses, ranges, or "unix" for a peer on a unix socket.
TRUSTED_PROXIES: list[str] = []
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "users.accounts.views.csrf_failure"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# -- Security contact (/.well-known/security.txt) ------------------------------------------------
# Mail addresses or https:// URLs; when empty, the administrators, else security@ this site.
SECURITY_CONTACT = env.items("SECURITY_CONTACT")
# The validity of security.txt in days, from the day of the request.
SECURITY_TXT_DAYS = env.number("SECURITY_TXT_DAYS", 180)

# -- Metrics (docs/MONITORING.md) ----------------------------------------------------------------
# Clients with this token may read /metrics; when empty, /metrics is a 404.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# The folder of metrics that processes share; when empty, each process has its own.
METRICS_FOLDER = env.path("PROMETHEUS_MULTIPROC_DIR")
if METRICS_FOLDER and env.text("PROMETHEUS_MULTIPROC_DIR") != METRICS_FOLDER:
    # The library reads the variable itself, relative to the working directory.
    env.errors.append("PROMETHEUS_MULTIPROC_DIR: malformed, begin it with a slash")

# -- Logs -------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = console_config()

# -- Backups ----------------------------------------------------------------------------------
# The key of `manage.py backup` and `restore`; when empty, use --key-file, or backups are not encrypted.
BACKUP_KEY = env.text("BACKUP_KEY")

env.keep_errors()
