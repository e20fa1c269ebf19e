from django.db import migrations, models
from django.db.models import Q

from core.database.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("network", "0002_initial")]
    operations = [
        AddIndexConcurrently(
            "connection", models.Index(fields=["low"], name="network_invited_low", condition=Q(state=0))
        ),
    ]
