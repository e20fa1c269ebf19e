"""Ties for staff."""

from django.contrib import admin

from .models import Block, Connection, Follow


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin):
    list_display = ("low", "high", "inviter", "state", "invited_at", "connected_at")
    list_filter = ("state", "invited_at", "connected_at")
    search_fields = ("low__username", "high__username")
    raw_id_fields = ("low", "high", "inviter")
    list_select_related = ("low", "high", "inviter")


@admin.register(Follow)
class FollowAdmin(admin.ModelAdmin):
    list_display = ("follower", "followed", "created_at")
    search_fields = ("follower__username", "followed__username")
    raw_id_fields = ("follower", "followed")
    list_select_related = ("follower", "followed")


@admin.register(Block)
class BlockAdmin(admin.ModelAdmin):
    list_display = ("blocker", "blocked", "created_at")
    search_fields = ("blocker__username", "blocked__username")
    raw_id_fields = ("blocker", "blocked")
    list_select_related = ("blocker", "blocked")
