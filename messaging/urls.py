from django.urls import path, re_path

from .views import attachments, conversations, entries, messages, pages, search, start

app_name = "messaging"

_TALK = "messages/<id:pk>/"
_NAME = r"(?P<username>[A-Za-z0-9._-]{1,30})"

urlpatterns = [
    path("messages/", pages.inbox, name="inbox"),
    path("messages/new/", start.new, name="new"),
    path("messages/news/", pages.news, name="poll"),
    re_path(rf"^messages/to/{_NAME}/$", start.to, name="to"),
    path(_TALK, pages.conversation, name="conversation"),
    path(_TALK + "send/", messages.send, name="send"),
    path(_TALK + "since/<int:seq>/", messages.since, name="since"),
    path(_TALK + "search/", search.search, name="search"),
    path(_TALK + "files/<id:file>/", attachments.attachment, name="attachment"),
    path(_TALK + "cursors/", messages.cursors, name="cursors"),
    path(_TALK + "entries/<id:seq>/edit/", entries.edit, name="edit"),
    path(_TALK + "entries/<id:seq>/delete/", entries.delete, name="delete"),
    path(_TALK + "about/", conversations.about, name="about"),
    path(_TALK + "rename/", conversations.rename, name="rename"),
    path(_TALK + "add/", conversations.add, name="add"),
    path(_TALK + "remove/", conversations.remove, name="remove"),
    path(_TALK + "leave/", conversations.leave, name="leave"),
    path(_TALK + "mute/", conversations.mute, name="mute"),
    path(_TALK + "unmute/", conversations.unmute, name="unmute"),
    path(_TALK + "accept/", conversations.accept, name="accept"),
    path(_TALK + "decline/", conversations.decline, name="decline"),
]
