from django.urls import path, re_path

from .views import comments, lists, pictures, posts, reactions

app_name = "feed"

urlpatterns = [
    path("", lists.home, name="home"),
    path("posts/", posts.publish, name="publish"),
    path("posts/<id:pk>/", posts.post, name="post"),
    path("posts/<id:pk>/edit/", posts.edit, name="edit"),
    path("posts/<id:pk>/delete/", posts.delete, name="delete"),
    path("posts/<id:pk>/history/", posts.history, name="history"),
    path("posts/<id:pk>/document/", posts.document, name="document"),
    path("posts/<id:pk>/pictures/<id:image>/", pictures.picture, name="picture"),
    path("posts/<id:pk>/react/", reactions.react, name="react"),
    path("posts/<id:pk>/unreact/", reactions.unreact, name="unreact"),
    path("posts/<id:pk>/reactions/", reactions.reactions, name="reactions"),
    path("posts/<id:pk>/save/", reactions.save, name="save"),
    path("posts/<id:pk>/unsave/", reactions.unsave, name="unsave"),
    path("posts/<id:pk>/repost/", reactions.repost, name="repost"),
    path("posts/<id:pk>/comments/", comments.inline_comments, name="inline_comments"),
    path("posts/<id:pk>/comment/", comments.comment, name="comment"),
    path("comments/<id:pk>/replies/", comments.replies, name="replies"),
    path("comments/<id:pk>/edit/", comments.edit_comment, name="edit_comment"),
    path("comments/<id:pk>/delete/", comments.delete_comment, name="delete_comment"),
    path("saved/", lists.saved, name="saved"),
    path("tags/<tag:tag>/", lists.tag, name="tag"),
    re_path(r"^members/(?P<username>[A-Za-z0-9._-]{1,30})/posts/$", lists.by_member, name="by_member"),
]
