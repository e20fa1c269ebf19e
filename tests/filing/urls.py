"""The project's URLs, and the views of the private columns."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import include, path

from core.web.media.views import deliver_column_file

from .models import Sheet


def sketch(request: HttpRequest, pk: int) -> HttpResponseBase:
    sheet = get_object_or_404(Sheet.objects.all(), pk=pk)
    return deliver_column_file(request, sheet, Sheet.sketch.field)


def contract(request: HttpRequest, pk: int) -> HttpResponseBase:
    sheet = get_object_or_404(Sheet.objects.all(), pk=pk)
    return deliver_column_file(request, sheet, Sheet.contract.field, filename="Contract.pdf")


views = [
    path("<int:pk>/sketch/", sketch, name="sketch"),
    path("<int:pk>/contract/", contract, name="contract"),
]
urlpatterns = [path("filing/", include((views, "filing"))), path("", include("professional_network.urls"))]
