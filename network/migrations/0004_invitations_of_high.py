from django.db import migrations, models
from django.db.models import Q

from core.database.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("network", "0003_invitations_of_low")]
    operations = [
        AddIndexConcurrently(
            "connection", models.Index(fields=["high"], name="network_invited_high", condition=Q(state=0))
        ),
    ]
