"""Conversations for staff: who is in which, how many entries it has. What was said is not shown."""

from typing import Any

from django.contrib import admin

from core.admin import ReadOnlyAdmin

from .models import Attachment, Conversation, Entry, Membership, Presence


class KeptAdmin(ReadOnlyAdmin):
    """Rows that nobody deletes: the numbers of a conversation have no gap."""

    def has_delete_permission(self, request: Any, obj: object = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(KeptAdmin):
    list_display = ("id", "title", "pair", "created_by", "created_at", "last_seq")
    list_filter = ("created_at",)
    search_fields = ("title", "created_by__username")
    list_select_related = ("created_by",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("conversation", "member", "joined_at", "left_at", "accepted_at", "muted", "unread")
    list_filter = ("muted", "joined_at", "left_at")
    search_fields = ("member__username",)
    list_select_related = ("conversation", "member")


@admin.register(Entry)
class EntryAdmin(KeptAdmin):
    """Who wrote when. Private words stay private; a report will show those it is about."""

    list_display = ("id", "conversation", "seq", "kind", "author", "created_at", "edited_at", "deleted_at")
    list_filter = ("kind", "created_at")
    search_fields = ("author__username",)
    list_select_related = ("conversation", "author")
    exclude = ("text", "html", "search_text", "digest", "client_id")


@admin.register(Attachment)
class AttachmentAdmin(KeptAdmin):
    list_display = ("id", "entry", "kind", "size")
    list_filter = ("kind",)
    search_fields = ("entry__author__username",)
    list_select_related = ("entry",)
    exclude = ("stored", "name")


@admin.register(Presence)
class PresenceAdmin(ReadOnlyAdmin):
    list_display = ("member", "seen_at")
    search_fields = ("member__username",)
    list_select_related = ("member",)
