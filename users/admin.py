"""Admin pages of accounts, profiles and groups."""

from importlib import import_module
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import models
from django.forms import ModelForm, ValidationError
from django.utils.translation import gettext_lazy as _

from . import services
from .accounts.email_addresses import is_taken, write_address
from .accounts.identifiers import fold_address, fold_username
from .forms import validate_ascii_address
from .http import require_recent_password
from .models import Education, Experience, Link, Profile, Skill, User

# Staff change an address on the page of the member, which updates both tables and notifies the former address.
import_module("allauth.account.admin")  # registers it, which may come later otherwise
admin.site.unregister(EmailAddress)
admin.site.unregister(Group)


PERMISSION_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


def _is_superuser(request: Any) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_edit_account(request: Any, account: User | None) -> bool:
    """Return whether the user may edit the account: accounts of staff need a superuser, since a new password or address
    would give access to their permissions."""
    return account is None or not (account.is_staff or account.is_superuser) or _is_superuser(request)


class FoldedFields:
    """Form mixin: folds username and address as they are stored, so that duplicates are found."""

    instance: User
    cleaned_data: dict[str, Any]

    def clean_username(self) -> str:
        return fold_username(self.cleaned_data["username"])

    def clean_email(self) -> str:
        email = fold_address(self.cleaned_data["email"])
        validate_ascii_address(email)
        if is_taken(email, besides=self.instance):
            raise ValidationError(_("Another account has this address, or had it recently."), code="taken")
        return email


class MemberChangeForm(FoldedFields, UserChangeForm):
    """Form that edits a member."""


class MemberCreationForm(FoldedFields, AdminUserCreationForm):
    """Form that adds a member; the member confirms the address at sign-in."""

    def clean_username(self) -> str:
        username = super().clean_username()
        if User.objects.filter(username=username).exists():
            raise ValidationError(_("A user with that username already exists."), code="unique")
        return username


class MemberPasswordForm(AdminPasswordChangeForm):
    """Form that sets a password; the member is notified by mail, as with every other change."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        get_adapter().send_notification_mail("account/email/password_changed", user)
        return user


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Groups carry permissions, so only superusers change them."""

    def has_add_permission(self, request: Any) -> bool:
        return super().has_add_permission(request) and _is_superuser(request)

    def has_change_permission(self, request: Any, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_superuser(request)

    def has_delete_permission(self, request: Any, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_superuser(request)


class ProfileInline(admin.StackedInline):
    model = Profile
    can_delete = False


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "name", "email", "joined_at", "is_active", "suspended_at", "is_staff")
    list_filter = ("is_active", "is_staff", "is_superuser", "joined_at", "suspended_at", "open_to_work")
    search_fields = ("username", "name", "email", "headline")
    ordering = ("-pk",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (ProfileInline,)
    form = MemberChangeForm
    add_form = MemberCreationForm
    change_password_form = MemberPasswordForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Card"), {"fields": ("name", "email", "headline", "location", "open_to_work")}),
        (
            _("Who may see what"),
            {"fields": ("page_audience", "photo_audience", "location_audience", "open_to_work_audience")},
        ),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined", "joined_at", "suspended_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "name", "usable_password", "password1", "password2")}),
    )

    def get_inlines(self, request: Any, obj: User | None) -> Any:
        """Return the profile inline; an account that is not stored yet has no profile."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: Any, obj: User | None = None) -> Any:
        """Make permissions read-only except for superusers, so that staff cannot promote themselves."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *PERMISSION_FIELDS)

    def has_change_permission(self, request: Any, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_edit_account(request, obj)

    def has_delete_permission(self, request: Any, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_edit_account(request, obj)

    def add_view(self, request: Any, *args: Any, **options: Any) -> Any:
        return require_recent_password(request) or super().add_view(request, *args, **options)

    def change_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Ask for the password again before a change; reading needs none."""
        reauthentication = require_recent_password(request) if request.method == "POST" else None
        return reauthentication or super().change_view(request, *args, **options)

    def user_change_password(self, request: Any, *args: Any, **options: Any) -> Any:
        return require_recent_password(request) or super().user_change_password(request, *args, **options)

    def save_model(self, request: Any, obj: User, form: ModelForm, change: bool) -> None:
        """Store the account through the services that members use."""
        if change:
            services.edit_account(user=obj)
        else:
            services.sign_up(user=obj)
            write_address(user=obj, email=obj.email)


for model, columns in (
    (Experience, ("user", "title", "employer", "start", "end")),
    (Education, ("user", "school", "degree", "start_year", "end_year")),
    (Skill, ("user", "name")),
    (Link, ("user", "label", "url")),
):
    admin.site.register(
        model,
        type(
            f"{model.__name__}Admin",
            (admin.ModelAdmin,),
            {
                "list_display": columns,
                "search_fields": ("user__username", *columns[1:2]),
                "raw_id_fields": ("user",),
                "formfield_overrides": {models.URLField: {"assume_scheme": "https"}},
            },
        ),
    )
