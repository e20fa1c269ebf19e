"""The account, with the card that represents the member on every page."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from core.files.fields import PictureField, picture_url
from core.text.folding import name_key

from ..accounts.identifiers import fold_address, fold_username
from ..accounts.mail_problems import describe_problem
from ..audience import Audience, Closeness, PresenceAudience
from ..validators import USERNAME_VALIDATORS
from .member_view import UNNAMED, MemberView, hue_of, initials_of, member_address
from .profile import Profile

PHOTO_SIZES = (512, 192, 64)


class UserManager(BaseUserManager["User"]):
    """Creates accounts together with their profiles."""

    def create_user(self, username: str, email: str, password: str | None = None, **values: Any) -> "User":
        """Store a new account with its profile and return it; raise IntegrityError if name or address is taken.

        With `joined_at` among `values` the address counts as confirmed, so that the member can sign in at once.
        """
        user = self.model(username=fold_username(username), email=fold_address(email), **values)
        user.set_password(password)
        user.refresh_sort_name()
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            Profile.objects.using(self._db).create(user=user)
            if user.joined_at:
                addresses = apps.get_model("account", "EmailAddress")._default_manager.using(self._db)
                addresses.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **values: Any
    ) -> "User":
        """Store a new superuser with a confirmed address."""
        values |= {"is_staff": True, "is_superuser": True, "joined_at": timezone.now()}
        return self.create_user(username, email, password, **values)


class User(AbstractBaseUser, PermissionsMixin):
    """An account: a member, or without `joined_at` a sign-up whose address is not confirmed yet."""

    username = models.CharField(_("username"), max_length=30, unique=True, validators=USERNAME_VALIDATORS)
    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    sort_name = models.CharField(max_length=255, editable=False, default="")

    headline = models.CharField(_("headline"), max_length=160, blank=True)
    location = models.CharField(_("location"), max_length=80, blank=True)
    open_to_work = models.BooleanField(_("open to work"), default=False)
    photo = PictureField(_("photo"), folder="photos", sizes=PHOTO_SIZES, ratio=(1, 1), blank=True)

    page_audience = models.PositiveSmallIntegerField(
        _("my page"), choices=Audience.choices[:2], default=Audience.MEMBERS
    )
    photo_audience = models.PositiveSmallIntegerField(
        _("photo and cover"), choices=Audience.choices, default=Audience.PUBLIC
    )
    location_audience = models.PositiveSmallIntegerField(
        _("location"), choices=Audience.choices, default=Audience.MEMBERS
    )
    open_to_work_audience = models.PositiveSmallIntegerField(
        _("open to work"), choices=Audience.choices, default=Audience.MEMBERS
    )
    presence_audience = models.SmallIntegerField(
        _("who can see when I am online"),
        choices=PresenceAudience.choices,
        default=PresenceAudience.CONNECTIONS,
        db_default=int(PresenceAudience.CONNECTIONS),
    )

    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    date_joined = models.DateTimeField(_("signed up"), default=timezone.now)
    joined_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    # Why mail to the address is stopped: a status code (RFC 3463), or "complaint". Pages read it with the member.
    mail_problem = models.CharField(max_length=10, null=True, blank=True, editable=False)
    # Incremented to end all sessions without a new password.
    session_generation = models.IntegerField(default=0, db_default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["email"]

    # How close the viewer is; set by Member.objects.for_display(viewer). The default shows only what is public.
    closeness: int = Closeness.VISITOR

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="users_username_unique"),
            models.UniqueConstraint(Lower("email"), name="users_email_unique"),
        ]
        indexes = [
            models.Index(fields=["sort_name", "id"], name="users_by_name"),
            # allauth looks addresses up in their stored form, lower case.
            models.Index(fields=["email"], name="users_by_email"),
        ]

    def __str__(self) -> str:
        return self.username

    def get_absolute_url(self) -> str:
        return member_address(self.username)

    @property
    def display_name(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    @property
    def mail_problem_text(self) -> str:
        """What the member reads while mail to the address is stopped."""
        return describe_problem(self.mail_problem or "", self.email)

    @property
    def initials(self) -> str:
        """One or two characters that replace a missing photo."""
        return initials_of(self.display_name, self.username)

    @property
    def hue(self) -> int:
        """The colour of the initials, 0 to 11, always the same for a member."""
        return hue_of(self.username)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return Django's hash for generation 0, and a different hash for each later generation of sessions."""
        if not self.session_generation:
            # django-stubs does not know the hook of both public methods.
            return str(super()._get_session_auth_hash(secret))  # type: ignore[misc]
        value = f"{self.password}:{self.session_generation}"
        return salted_hmac("users.session_generation", value, secret=secret, algorithm="sha256").hexdigest()

    def refresh_sort_name(self) -> None:
        """Set the key by which lists are sorted; the caller must call this after every change of the name."""
        self.sort_name = (name_key(self.display_name) or name_key(self.username))[:255]

    def shows(self, section: str) -> bool:
        """Return whether the viewer for whom this row was fetched may see `section` ("photo", "location" …).

        A viewer that may not see the page sees nothing of the card, on any page: see `is_unnamed`.
        """
        audience: int = getattr(self, section + "_audience")
        return not self.is_unnamed and audience <= self.closeness

    @property
    def is_unnamed(self) -> bool:
        """Whether the viewer may not see the page, and so sees "A member" instead of name, photo and link."""
        return self.page_audience > self.closeness

    @property
    def shown_name(self) -> str:
        return str(_("A member")) if self.is_unnamed else self.display_name

    @property
    def shown_headline(self) -> str:
        return "" if self.is_unnamed else self.headline

    def cache_key(self) -> MemberView:
        """What parts of pages show of the member to the viewer for whom this row was fetched."""
        if self.is_unnamed:
            return UNNAMED
        photo = self.photo
        return MemberView(self.username, self.name, photo if photo and self.shows("photo") else "")

    def _photo_url(self, size: int) -> str:
        return picture_url(self.photo, size) if self.shows("photo") else ""

    @property
    def photo_large(self) -> str:
        """URL of the photo in 512 px, or "" if this viewer sees none."""
        return self._photo_url(512)

    @property
    def photo_medium(self) -> str:
        """URL of the photo in 192 px, or ""."""
        return self._photo_url(192)

    @property
    def photo_small(self) -> str:
        """URL of the photo in 64 px, or ""."""
        return self._photo_url(64)

    @property
    def shown_location(self) -> str:
        return self.location if self.shows("location") else ""

    @property
    def shown_open_to_work(self) -> bool:
        return self.open_to_work and self.shows("open_to_work")


def display_name_of(user: User) -> str:
    """Return the name of a member on allauth's pages."""
    return user.display_name
