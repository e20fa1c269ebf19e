"""The URLs of the product, and the bare view."""

from django.urls import path

from professional_network.urls import urlpatterns as product

from .views import bare_view

urlpatterns = [path("bench/bare/", bare_view, name="bench_bare"), *product]
