"""Members for staff."""

from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.forms import ModelForm, ValidationError
from django.utils.translation import gettext_lazy as _

from . import services
from .email_addresses import is_taken, write_address
from .forms import refuse_other_letters
from .identifiers import fold_address, fold_username
from .models import Education, Experience, Link, Profile, Skill, User

# An address is changed where the member is edited, which keeps both tables the same and tells the former address.
import_module("allauth.account.admin")  # registers it, which may come later otherwise
admin.site.unregister(EmailAddress)


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
