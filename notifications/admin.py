"""Admin pages of notifications, activities, preferences, quiet hours and digests."""

from typing import Any

from django.contrib import admin
from django.utils import timezone

from .models import Activity, DigestSchedule, Notification, Preference, QuietHours


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = ("id", "recipient", "kind", "on_page", "latest_at", "read_at", "mail_due_at", "mailed_at")
    list_filter = ("kind", "on_page", "latest_at")
    search_fields = ("recipient__username", "key")
    raw_id_fields = ("recipient", "post")
    list_select_related = ("recipient",)
    readonly_fields = ("key", "created_at", "latest_at", "mailed_at")


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin):
    list_display = ("id", "actor", "notification", "created_at")
    list_filter = ("notification__kind", "created_at")
    search_fields = ("actor__username", "notification__recipient__username")
    raw_id_fields = ("notification", "actor", "reaction", "comment", "shared", "connection", "follow")
    list_select_related = ("actor", "notification")


@admin.register(Preference)
class PreferenceAdmin(admin.ModelAdmin):
    list_display = ("member", "kind", "channel", "wanted")
    list_filter = ("kind", "channel", "wanted")
    search_fields = ("member__username",)
    raw_id_fields = ("member",)
    list_select_related = ("member",)


@admin.register(QuietHours)
class QuietHoursAdmin(admin.ModelAdmin):
    list_display = ("member", "start", "end", "zone")
    search_fields = ("member__username", "zone")
    raw_id_fields = ("member",)
    list_select_related = ("member",)


@admin.register(DigestSchedule)
class DigestScheduleAdmin(admin.ModelAdmin):
    list_display = ("member", "frequency", "weekday", "zone", "next_at", "covered_until", "mailed_at")
    list_filter = ("frequency", "mailed_at")
    search_fields = ("member__username", "zone")
    raw_id_fields = ("member",)
    list_select_related = ("member",)
    # It follows from the rest.
    readonly_fields = ("next_at", "last_day", "covered_until", "mailed_at")

    def save_model(self, request: Any, obj: DigestSchedule, form: Any, change: bool) -> None:
        """Store the row with the time of the next digest."""
        if form.changed_data:
            obj.reschedule(timezone.now())
        super().save_model(request, obj, form, change)
