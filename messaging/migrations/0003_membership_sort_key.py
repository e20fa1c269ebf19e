"""Gives a field another name in Python. The database stays as it is, and so do backups and exports:
operations/transfer/manifest.py, ROWS_UNCHANGED.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("messaging", "0002_refold_search_texts")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                # RenameField leaves the fields of an index as they are.
                migrations.RemoveIndex("membership", "messaging_inbox"),
                migrations.AlterField(
                    "membership",
                    "place",
                    models.BigIntegerField(db_column="place", default=0, editable=False),
                ),
                migrations.RenameField("membership", "place", "sort_key"),
                migrations.AddIndex(
                    "membership", models.Index(fields=["member", "-sort_key"], name="messaging_inbox")
                ),
            ],
        ),
    ]
