"""Addresses behind which something goes wrong, in the way a test asks for; all else is the product's own."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from professional_network import urls as product


class Fault:
    """What the next request meets."""

    error: Exception = RuntimeError()


def fall(request: HttpRequest) -> HttpResponse:
    return stumble(deep=3)


def stumble(deep: int) -> HttpResponse:
    if deep:
        return stumble(deep - 1)
    raise Fault.error


def deny(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied(str(Fault.error))


urlpatterns = [path("fall/", fall), path("deny/", deny), path("", include(product.urlpatterns))]
handler400 = product.handler400
handler403 = product.handler403
handler404 = product.handler404
handler429 = product.handler429
handler500 = product.handler500
