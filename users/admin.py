"""Members for staff."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.forms import ModelForm
from django.utils.translation import gettext_lazy as _

from . import services
from .models import Education, Experience, Link, Profile, Skill, User


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
