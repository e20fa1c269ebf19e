"""Posts and comments for staff."""

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
    # Words and audience are changed by their author, through the verb that keeps the former words and looks at who has
    # answered.
    readonly_fields = ("text", "audience", "created_at", "edited_at")


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin):
    list_display = ("id", "author", "post", "created_at", "deleted_at", "hidden_at")
    list_filter = ("created_at", "hidden_at")
    search_fields = ("author__username", "text")
    list_select_related = ("author", "post")
    # Whose words they are, and for whom, is no more to be changed than the words.
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
    """What was said to whom: nobody writes it anew, or shows it to more people."""

    list_display = ("post", "audience", "replaced_at")
    search_fields = ("text",)


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    list_display = ("name",)
    search_fields = ("name",)
