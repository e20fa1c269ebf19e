"""A column, a table, and a row that the migration itself puts in."""

from typing import Any

from django.db import migrations, models


def put_in(apps: Any, _editor: Any) -> None:
    """A tag that every network has from then on."""
    apps.get_model("feed", "Tag").objects.create(name="next_version", color="blue")


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("feed", "0004_top_comments_index")]
    operations = [
        migrations.AddField("tag", "color", models.CharField(max_length=20, default="none")),
        migrations.CreateModel(
            "Later", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())]
        ),
        migrations.RunPython(put_in),
    ]
