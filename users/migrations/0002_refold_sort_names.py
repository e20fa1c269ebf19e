from django.db import migrations

from core.text.folding import name_key
from core.database.migration_operations import in_batches


def refold(apps, editor):
    """Rebuild the sort keys of names: more characters have a plain form, and any sign starts a word."""
    users = apps.get_model("users", "User").objects.using(editor.connection.alias)

    def change(batch):
        changed = []
        for user in batch.only("name", "username", "sort_name"):
            key = (name_key(user.name or user.username) or name_key(user.username))[:255]
            if key != user.sort_name:
                user.sort_name = key
                changed.append(user)
        users.bulk_update(changed, ["sort_name"])

    in_batches(users.all(), change)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0001_initial")]
    operations = [migrations.RunPython(refold, migrations.RunPython.noop)]
