"""A column of each kind: pictures and single files, public and private, and a text that names a file all the same."""

from typing import ClassVar

from django.db import models

from core.files.fields import PictureField, StoredFileField


class Shelf(models.Model):
    """What sheets are deleted with."""

    objects: ClassVar[models.Manager["Shelf"]] = models.Manager()

    class Meta:
        app_label = "filing"

    def __str__(self) -> str:
        return f"shelf {self.pk}"


class OpenSheets(models.Manager["Sheet"]):
    """A default manager that leaves rows out, whose files stay theirs."""

    def get_queryset(self) -> models.QuerySet["Sheet"]:
        return super().get_queryset().filter(is_open=True)


class Sheet(models.Model):
    """The row that owns the files; the views of the private ones serve them while it `is_open`."""

    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, related_name="sheets")
    is_open = models.BooleanField(default=True)
    poster = PictureField(folder="posters", sizes=(64, 32), blank=True)
    sketch = PictureField(
        folder="sketches", sizes=(64, 32), ratio=(2, 1), private=True, view="filing:sketch", default_size=32
    )
    leaflet = StoredFileField(folder="leaflets", blank=True)
    contract = StoredFileField(
        folder="contracts", private=True, view="filing:contract", length_field="contract_size"
    )
    contract_size = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=120, blank=True)

    objects: ClassVar[OpenSheets] = OpenSheets()
    everything: ClassVar[models.Manager["Sheet"]] = models.Manager()

    class Meta:
        app_label = "filing"

    def __str__(self) -> str:
        return f"sheet {self.pk}"
