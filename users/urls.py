from django.urls import path

from . import views
from .sections import SECTIONS

app_name = "users"

urlpatterns = [
    path("", views.settings, name="settings"),
    path("profile/", views.profile, name="profile"),
    path("photo/", views.photo, name="photo"),
    path("photo/remove/", views.remove_photo, name="remove_photo"),
    path("cover/", views.cover, name="cover"),
    path("cover/remove/", views.remove_cover, name="remove_cover"),
    path("privacy/", views.privacy, name="privacy"),
    path("next-step/", views.next_step, name="next_step"),
    *[path(f"{slug}/", views.entries, {"section": slug}, name=slug) for slug in SECTIONS],
    path("<slug:section>/<id:pk>/", views.entry, name="entry"),
    path("<slug:section>/<id:pk>/delete/", views.delete_entry, name="delete_entry"),
]
