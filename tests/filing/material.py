"""Sheets with all their files."""

from PIL import Image

from core.files import storage

from .models import Sheet, Shelf

PDF = b"%PDF-1.4\ntrailer\n%%EOF\n"
# The columns that tell the project of their files; `note` does not.
COLUMNS = ("contract", "leaflet", "poster", "sketch")


def make_sheet(shelf: Shelf) -> Sheet:
    """Store a sheet with a file, or a picture in two sizes, in each column: six files, and that of `note`."""
    image = Image.new("RGB", (200, 150), "teal")
    return Sheet.objects.create(
        shelf=shelf,
        poster=Sheet.poster.field.store_picture(image).value,
        sketch=Sheet.sketch.field.store_picture(image).value,
        leaflet=Sheet.leaflet.field.store_file(PDF, "pdf"),
        contract=Sheet.contract.field.store_file(PDF, "pdf"),
        contract_size=len(PDF),
        note=storage.store_file(storage.new_name("notes", "pdf"), PDF),
    )
