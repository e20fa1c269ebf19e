"""Admin pages of posts, comments and reactions."""

from typing import Any

from django.contrib import admin

from core.admin import ReadOnlyAdmin

from .models import Comment, Post, PostRevision, Reaction, SavedPost, Tag


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    list_display = ("id", "author", "audience", "is_repost", "created_at", "edited_at", "hidden_at")
    list_filter = ("audience", "is_repost", "created_at", "hidden_at")
    search_fields = ("author__username", "text")
    raw_id_fields = ("author",)
    list_select_related = ("author",)
    # Only the author changes text and audience, through edit_post, which keeps the former text and checks for answers.
    readonly_fields = ("text", "audience", "created_at", "edited_at")


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin):
    list_display = ("id", "author", "post", "created_at", "deleted_at", "hidden_at")
    list_filter = ("created_at", "hidden_at")
    search_fields = ("author__username", "text")
    list_select_related = ("author", "post")
    # Staff may hide a comment, but not change its text, author or post.
    readonly_fields = ("author", "post", "parent", "text", "created_at", "edited_at")

    def has_add_permission(self, request: Any) -> bool:
        return False


@admin.register(Reaction)
class ReactionAdmin(admin.ModelAdmin):
    list_display = ("post", "member", "kind", "created_at")
    list_filter = ("kind",)
    search_fields = ("member__username",)
    raw_id_fields = ("post", "member")
    list_select_related = ("post", "member")


@admin.register(SavedPost)
class SavedPostAdmin(admin.ModelAdmin):
    list_display = ("post", "member", "created_at")
    search_fields = ("member__username",)
    raw_id_fields = ("post", "member")
    list_select_related = ("post", "member")


@admin.register(PostRevision)
class PostRevisionAdmin(ReadOnlyAdmin):
    """Former texts are read-only: changing them or their audience would show members something else."""

    list_display = ("post", "audience", "replaced_at")
    search_fields = ("text",)


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    list_display = ("name",)
    search_fields = ("name",)
