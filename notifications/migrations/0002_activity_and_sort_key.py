"""Gives a model and a field another name in Python. The database stays as it is, and so do backups and exports:
operations/transfer/manifest.py, ROWS_UNCHANGED.
"""

from django.db import migrations, models
from django.db.models.deletion import CASCADE


class Migration(migrations.Migration):

    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                # RenameField leaves the fields of an index as they are.
                migrations.RemoveIndex("notification", "notifications_page"),
                migrations.AlterField(
                    "notification",
                    "place",
                    models.BigIntegerField(db_column="place", default=0, editable=False),
                ),
                migrations.RenameField("notification", "place", "sort_key"),
                migrations.AddIndex(
                    "notification",
                    models.Index(fields=["recipient", "-sort_key"], name="notifications_page"),
                ),
                migrations.AlterModelTable("fact", "notifications_fact"),
                migrations.RenameModel("Fact", "Activity"),
                migrations.AlterModelOptions(
                    "activity",
                    {"verbose_name": "activity", "verbose_name_plural": "activities"},
                ),
                migrations.AlterField(
                    "activity",
                    "notification",
                    models.ForeignKey(
                        on_delete=CASCADE, related_name="activities", to="notifications.notification"
                    ),
                ),
            ],
        ),
    ]
