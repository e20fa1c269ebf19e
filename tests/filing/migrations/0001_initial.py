import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[("id", models.BigAutoField(primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="Sheet",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("is_open", models.BooleanField(default=True)),
                ("poster", models.CharField(blank=True, editable=False, max_length=120)),
                ("sketch", models.CharField(editable=False, max_length=120)),
                ("leaflet", models.CharField(blank=True, editable=False, max_length=120)),
                ("contract", models.CharField(editable=False, max_length=120)),
                ("contract_size", models.PositiveIntegerField(default=0)),
                ("note", models.CharField(blank=True, max_length=120)),
                (
                    "shelf",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sheets", to="filing.shelf"
                    ),
                ),
            ],
        ),
    ]
