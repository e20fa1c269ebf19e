"""Members for staff."""

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
from .email_addresses import is_taken, write_address
from .forms import refuse_other_letters
from .http import ask_password_again
from .identifiers import fold_address, fold_username
from .models import Education, Experience, Link, Profile, Skill, User

# An address is changed where the member is edited, which keeps both tables the same and tells the former address.
import_module("allauth.account.admin")  # registers it, which may come later otherwise
admin.site.unregister(EmailAddress)
admin.site.unregister(Group)


# What makes somebody more than a member.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def _may_do_all(request: Any) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: Any, account: User | None) -> bool:
    """Whether the account is not one with rights, or is touched by those who have all: a new password or address for
    it would be a way to its rights."""
    return account is None or not (account.is_staff or account.is_superuser) or _may_do_all(request)


class FoldedFields:
    """Name and address as they will be stored, so that who has them already is found."""

    instance: User
    cleaned_data: dict[str, Any]

    def clean_username(self) -> str:
        return fold_username(self.cleaned_data["username"])

    def clean_email(self) -> str:
        email = fold_address(self.cleaned_data["email"])
        refuse_other_letters(email)
        if is_taken(email, besides=self.instance):
            raise ValidationError(
                _("Another account has this address, or had it until lately."), code="taken"
            )
        return email


class MemberChangeForm(FoldedFields, UserChangeForm):
    """Editing a member."""


class MemberCreationForm(FoldedFields, AdminUserCreationForm):
    """Adding a member, who confirms the address by signing in."""

    def clean_username(self) -> str:
        username = super().clean_username()
        if User.objects.filter(username=username).exists():
            raise ValidationError(_("A user with that username already exists."), code="unique")
        return username


class MemberPasswordForm(AdminPasswordChangeForm):
    """A password that staff chooses; the member is told by mail, as of every other change of it."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        get_adapter().send_notification_mail("account/email/password_changed", user)
        return user


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Groups hold rights, so those alone who have all of them change one."""

    def has_add_permission(self, request: Any) -> bool:
        return super().has_add_permission(request) and _may_do_all(request)

    def has_change_permission(self, request: Any, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_do_all(request)

    def has_delete_permission(self, request: Any, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_do_all(request)


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
        """The profile is there once the account is."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: Any, obj: User | None = None) -> Any:
        """Rights are given by those who have all: who may change members must not become an administrator by it."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _may_do_all(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: Any, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: Any, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def add_view(self, request: Any, *args: Any, **options: Any) -> Any:
        return ask_password_again(request) or super().add_view(request, *args, **options)

    def change_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Reading asks for nothing."""
        question = ask_password_again(request) if request.method == "POST" else None
        return question or super().change_view(request, *args, **options)

    def user_change_password(self, request: Any, *args: Any, **options: Any) -> Any:
        return ask_password_again(request) or super().user_change_password(request, *args, **options)

    def save_model(self, request: Any, obj: User, form: ModelForm, change: bool) -> None:
        """As members themselves are stored."""
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
