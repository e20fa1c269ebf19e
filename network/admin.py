"""Ties for staff, who end them and make none: a tie shows one member's things to another, who both agree to it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from core.admin import ReadOnlyAdmin

from . import services
from .models import Block, Connection, Follow


class TieAdmin(ReadOnlyAdmin):
    """Ends a tie through its verb, so that open pages know."""

    def end(self, tie: Any) -> None:
        raise NotImplementedError

    def delete_model(self, request: Any, obj: Any) -> None:
        self.end(obj)

    def delete_queryset(self, request: Any, queryset: QuerySet[Any]) -> None:
        for tie in queryset:
            self.end(tie)


@admin.register(Connection)
class ConnectionAdmin(TieAdmin):
    list_display = ("low", "high", "inviter", "state", "invited_at", "connected_at")
    list_filter = ("state", "invited_at", "connected_at")
    search_fields = ("low__username", "high__username")
    list_select_related = ("low", "high", "inviter")

    def end(self, tie: Connection) -> None:
        if tie.is_connected:
            services.remove_connection(member=tie.low, other=tie.high)
        else:
            tie.delete()


@admin.register(Follow)
class FollowAdmin(TieAdmin):
    list_display = ("follower", "followed", "created_at")
    search_fields = ("follower__username", "followed__username")
    list_select_related = ("follower", "followed")

    def end(self, tie: Follow) -> None:
        services.unfollow_member(follower=tie.follower, followed=tie.followed)


@admin.register(Block)
class BlockAdmin(TieAdmin):
    list_display = ("blocker", "blocked", "created_at")
    search_fields = ("blocker__username", "blocked__username")
    list_select_related = ("blocker", "blocked")

    def end(self, tie: Block) -> None:
        services.unblock_member(blocker=tie.blocker, blocked=tie.blocked)
