"""Admin pages of connections, follows and blocks: staff can delete them, but not create them.

A connection or a follow shows the content of one member to another, so only the members themselves create it.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from core.admin import ReadOnlyAdmin

from . import services
from .models import Block, Connection, Follow


class ServiceDeleteAdmin(ReadOnlyAdmin):
    """Deletes rows through their service, so that open pages are updated."""

    def delete_by_service(self, row: Any) -> None:
        raise NotImplementedError

    def delete_model(self, request: Any, obj: Any) -> None:
        self.delete_by_service(obj)

    def delete_queryset(self, request: Any, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_by_service(row)


@admin.register(Connection)
class ConnectionAdmin(ServiceDeleteAdmin):
    list_display = ("low", "high", "inviter", "state", "invited_at", "connected_at")
    list_filter = ("state", "invited_at", "connected_at")
    search_fields = ("low__username", "high__username")
    list_select_related = ("low", "high", "inviter")

    def delete_by_service(self, row: Connection) -> None:
        if row.is_connected:
            services.remove_connection(member=row.low, other=row.high)
        else:
            row.delete()


@admin.register(Follow)
class FollowAdmin(ServiceDeleteAdmin):
    list_display = ("follower", "followed", "created_at")
    search_fields = ("follower__username", "followed__username")
    list_select_related = ("follower", "followed")

    def delete_by_service(self, row: Follow) -> None:
        services.unfollow_member(follower=row.follower, followed=row.followed)


@admin.register(Block)
class BlockAdmin(ServiceDeleteAdmin):
    list_display = ("blocker", "blocked", "created_at")
    search_fields = ("blocker__username", "blocked__username")
    list_select_related = ("blocker", "blocked")

    def delete_by_service(self, row: Block) -> None:
        services.unblock_member(blocker=row.blocker, blocked=row.blocked)
