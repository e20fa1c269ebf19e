from django.urls import path, re_path

from .views import attachments, conversations, entries, messages, pages, search, start

app_name = "messaging"

_CONVERSATION = "messages/<id:pk>/"
_NAME = r"(?P<username>[A-Za-z0-9._-]{1,30})"

urlpatterns = [
    path("messages/", pages.inbox, name="inbox"),
    path("messages/new/", start.new, name="new"),
    path("messages/news/", pages.poll, name="poll"),
    re_path(rf"^messages/to/{_NAME}/$", start.to, name="to"),
    path(_CONVERSATION, pages.conversation, name="conversation"),
    path(_CONVERSATION + "send/", messages.send, name="send"),
    path(_CONVERSATION + "since/<int:seq>/", messages.since, name="since"),
    path(_CONVERSATION + "search/", search.search, name="search"),
    path(_CONVERSATION + "files/<id:file>/", attachments.attachment, name="attachment"),
    path(_CONVERSATION + "cursors/", messages.cursors, name="cursors"),
    path(_CONVERSATION + "entries/<id:seq>/edit/", entries.edit, name="edit"),
    path(_CONVERSATION + "entries/<id:seq>/delete/", entries.delete, name="delete"),
    path(_CONVERSATION + "about/", conversations.about, name="about"),
    path(_CONVERSATION + "rename/", conversations.rename, name="rename"),
    path(_CONVERSATION + "add/", conversations.add, name="add"),
    path(_CONVERSATION + "remove/", conversations.remove, name="remove"),
    path(_CONVERSATION + "leave/", conversations.leave, name="leave"),
    path(_CONVERSATION + "mute/", conversations.mute, name="mute"),
    path(_CONVERSATION + "unmute/", conversations.unmute, name="unmute"),
    path(_CONVERSATION + "accept/", conversations.accept, name="accept"),
    path(_CONVERSATION + "decline/", conversations.decline, name="decline"),
]
