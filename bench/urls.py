"""The product's addresses, and the bare view beside them."""

from django.urls import path

from professional_network.urls import urlpatterns as product

from .views import bare

urlpatterns = [path("bench/bare/", bare, name="bench_bare"), *product]
