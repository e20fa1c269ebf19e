"""What every environment shares; the other modules override only what differs (R2.4)."""

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
    "users",  # before allauth: its pages are overridden here
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
    # Before all others, so that every line and every answer has the request's id.
    "core.web.middleware.RequestId",
    # Before all that answer something, so that refusals are counted and timed too.
    "core.observability.metrics_views.MeasureRequests",
    # First, so that an answer of any middleware below carries their headers too: a refused host, a redirect to HTTPS.
    "core.web.security_headers.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before all that could answer or read: no address takes more than its limit.
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
    # Knows by then who is signed in, and that htmx asks.
    "users.middleware.PageMemberMiddleware",
]

ROOT_URLCONF = "professional_network.urls"
WSGI_APPLICATION = "professional_network.wsgi.application"
ASGI_APPLICATION = "professional_network.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "professional_network" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "notifications.context_processors.navigation",
            ],
            "builtins": [
                "theme.templatetags.theme",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
        },
    },
]
# What fills the slots of pages ({% slot "name" %}): here a page of a lower app and a part of a higher one meet.
TEMPLATE_SLOTS: dict[str, list[str]] = {
    "top_bar": ["site/_top_bar.html"],
    "bottom_bar": ["site/_bottom_bar.html"],
    "settings_tabs": ["site/_settings_tabs.html"],
    "scripts": ["site/_scripts.html"],
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
    "users.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# So many passwords are hashed at once in one process. Each takes 100 MiB, so this bounds what a lecture hall that signs
# in together, or a flood, takes: PASSWORD_HASHES_AT_ONCE x 100 MiB for each process, whatever WEB_THREADS is.
PASSWORD_HASHES_AT_ONCE = env.number("PASSWORD_HASHES_AT_ONCE", 2)
# Seconds for which the link of a forgotten password works.
PASSWORD_RESET_TIMEOUT = 3600
# Days after which `tidy_accounts` removes an account whose address was never confirmed; its name is free again.
UNCONFIRMED_ACCOUNT_DAYS = env.number("UNCONFIRMED_ACCOUNT_DAYS", 7)
# Mail to people who are no members, which strangers bring about by signing up or asking for a reset; 0: without limit.
MAIL_TO_NON_MEMBERS_PER_HOUR = env.number("MAIL_TO_NON_MEMBERS_PER_HOUR", 200)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "core.database.session_store"
# Shows that a member has signed in with this browser before (users.known_browsers).
KNOWN_BROWSER_COOKIE_NAME = "known_browser"

ACCOUNT_ADAPTER = "users.adapter.AccountAdapter"
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
# A session is not enough to take the account: the password is asked for once more, and the member is told by mail.
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
# Per address ("ip", see core.web.client_ip), per account or mail address ("key"), per signed-in member ("user"). Many
# may sit behind one address: a lecture hall signs up together. What one account suffers is bounded tighter.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    # Guessing (users.sign_in_limits): five wrong passwords in five minutes for one name, whoever sends them, and for
    # one account; ten a minute from one address. Browsers that the member has used before have five of their own.
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_account": "5/5m/key",
    "login_failed_known_browser": "5/5m/key",
    "signup": "20/m/ip",
    # Each one sends a mail: nobody's mailbox is filled by a stranger.
    "reset_password": "20/m/ip,5/15m/key",
    "confirm_email": "1/3m/key",
    # All mails that strangers can bring about, to one mailbox however it is spelt (users.mail_limits).
    "mail_to_mailbox": "5/15m/key",
    # Keys of mailed links are too long to guess; this only keeps the attempts cheap.
    "reset_password_from_key": "20/m/ip",
    # Behind sign-in, where a stolen session must not try passwords or addresses.
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
    "manage_email": "10/m/user",
}

# What a member may do how often (core.web.rate_limits): (times, seconds). Messages: messaging.services.
MEMBER_LIMITS = {
    # Posts, reposts and edits of them.
    "post": ((20, 60), (200, 86_400)),
    "comment": ((40, 60), (1000, 86_400)),
    "invitation": ((30, 60), (200, 86_400)),
    # People contacted in a day, each once: by mention, invitation, first message or as group members (network.reach).
    "reached": ((200, 86_400),),
    # The same in the first week of an account.
    "reached_when_new": ((20, 86_400),),
    # By name in the directory, among connections, by words in a conversation.
    "search": ((120, 60),),
    # Pictures, each of them: posts, messages, photo and cover.
    "upload": ((40, 60), (600, 86_400)),
}
# So many times as much for everybody; 0 takes the limits away.
MEMBER_LIMITS_FACTOR = env.number("MEMBER_LIMITS_FACTOR", 1, most=1_000_000)

# -- Language and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
# Whose clock pages show; what is stored is UTC.
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")

# -- Files ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# Where nginx takes a private file over (X-Accel-Redirect); empty, the application streams it itself.
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
    "core.web.upload_handlers.LimitParts",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# The administration's largest form names some hundred permissions.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# What the figures above bound is parsed already; these are asked for before (core.web.body_limits). nginx has the
# first and the last one too (client_max_body_size in deploy/nginx/linkup.conf).
# The longest text is 10,000 characters, 120 kB when it is encoded.
REQUEST_MAX_FORM = 1024 * 1024
REQUEST_MAX_JSON = 64 * 1024
# The largest upload that any form makes: nine pictures of 10 MB and a document of 20 MB, rounded up.
REQUEST_MAX_BODY = 128 * 1024 * 1024

# How long copies may be kept, in seconds, by kind of data (R11.2). Files whose name holds their hash are kept for ever
# (WhiteNoise); "static" is for those asked for by their plain name. Uploads never change under their name.
CACHE_TIMEOUTS = {"default": 300, "suggestions": 600, "static": 3600, "media": 604_800}

# Whether `seed_demo` may run: its passwords are public, so only where a development or test module says so.
DEMO_NETWORK = False

# -- Mail -------------------------------------------------------------------------------------
# Where this network is reached: the beginning of every link in a mail about it.
SITE_URL = env.origin("SITE_URL", "http://localhost:8000")
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", "LinkUp <no-reply@localhost>")
EMAIL_TIMEOUT = 10
# Tasks run in a thread of the process (core.tasks); off, the caller waits for them.
TASKS_IN_THREAD = True

# -- Security that holds everywhere -----------------------------------------------------------
# Proxies whose X-Forwarded-For is believed: addresses, ranges, or "unix" for a peer on a unix socket.
TRUSTED_PROXIES: list[str] = []
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "users.account_views.csrf_failure"
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

# -- Whom to tell of a hole (/.well-known/security.txt) -----------------------------------------
# Mail addresses or https:// addresses; empty, the administrators, else security@ this site.
SECURITY_CONTACT = env.items("SECURITY_CONTACT")
# How long what stands there is good for, from the day on which it is read.
SECURITY_TXT_DAYS = env.number("SECURITY_TXT_DAYS", 180)

# -- Figures (docs/MONITORING.md) ---------------------------------------------------------------
# Who brings it may read /metrics; empty, there is no such page.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# Where several processes count together; empty, each tells its own figures.
METRICS_FOLDER = env.path("PROMETHEUS_MULTIPROC_DIR")
if METRICS_FOLDER and env.text("PROMETHEUS_MULTIPROC_DIR") != METRICS_FOLDER:
    # The library reads the variable for itself, from whatever folder a process was started in.
    env.faults.append("PROMETHEUS_MULTIPROC_DIR: malformed, begin it with a slash")

# -- Logs -------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = console_config()

# -- Backups ----------------------------------------------------------------------------------
# What `manage.py backup` encrypts with, and `restore` opens; empty, it needs --key-file or writes backups in the clear.
BACKUP_KEY = env.text("BACKUP_KEY")

env.keep_faults()
