from django.urls import path, re_path

from . import views

app_name = "notifications"

urlpatterns = [
    path("", views.page, name="page"),
    path("read/", views.read_all, name="read_all"),
    path("unread/", views.unread, name="unread"),
    path("preferences/", views.preferences, name="preferences"),
    re_path(r"^unsubscribe/(?P<token>[A-Za-z0-9._-]{1,150})/$", views.unsubscribe, name="unsubscribe"),
    path("<id:pk>/", views.follow, name="follow"),
    path("<id:pk>/read/", views.read, name="read"),
]
