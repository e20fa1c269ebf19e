from django.urls import path, re_path

from .views import connections, members

app_name = "network"

_NAME = r"^members/(?P<username>[A-Za-z0-9._-]{1,30})/"

urlpatterns = [
    path("members/", members.directory, name="directory"),
    re_path(_NAME + r"$", members.member, name="member"),
    re_path(_NAME + r"invite/$", members.invite, name="invite"),
    re_path(_NAME + r"disconnect/$", members.disconnect, name="disconnect"),
    re_path(_NAME + r"follow/$", members.follow, name="follow"),
    re_path(_NAME + r"unfollow/$", members.unfollow, name="unfollow"),
    re_path(_NAME + r"block/$", members.block, name="block"),
    re_path(_NAME + r"unblock/$", members.unblock, name="unblock"),
    path("network/", connections.overview, name="overview"),
    path("network/sent/", connections.sent, name="sent"),
    path("network/connections/", connections.connections, name="connections"),
    path("network/following/", connections.following, name="following"),
    path("network/blocked/", connections.blocked, name="blocked"),
    path("network/suggested/", connections.suggested, name="suggested"),
    path("network/invitations/<id:pk>/accept/", connections.accept, name="accept"),
    path("network/invitations/<id:pk>/ignore/", connections.ignore, name="ignore"),
    path("network/invitations/<id:pk>/withdraw/", connections.withdraw, name="withdraw"),
]
