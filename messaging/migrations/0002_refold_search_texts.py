from django.db import migrations

from core.text.folding import search_key
from core.database.migration_operations import in_batches


def refold(apps, editor):
    """Messages are found by keys made anew; what is ASCII in them already stays as it is."""
    entries = apps.get_model("messaging", "Entry").objects.using(editor.connection.alias)

    def change(batch):
        changed = []
        for entry in batch.only("text", "search_text"):
            key = search_key(entry.text)
            if key != entry.search_text:
                entry.search_text = key
                changed.append(entry)
        entries.bulk_update(changed, ["search_text"])

    in_batches(entries.filter(search_text__regex="[^\x01-\x7f]"), change)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("messaging", "0001_initial")]
    operations = [migrations.RunPython(refold, migrations.RunPython.noop)]
