from django.db import migrations, models
from django.db.models import Q

from core.database.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("feed", "0003_revision_audience")]
    operations = [
        AddIndexConcurrently(
            "comment", models.Index(fields=["post", "id"], name="feed_top_comments", condition=Q(parent=None))
        ),
    ]
