from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    """The undo of a large import tells the planner first how large its tables are (contacts.undoing.learn)."""

    dependencies = [
        ("contacts", "0003_withdrawn"),
        ("imports", "0003_complete_fields"),
    ]

    operations = [
        migrations.RunSQL(
            f"GRANT MAINTAIN ON contact, touched TO {settings.APP_ROLE}",
            f"REVOKE MAINTAIN ON contact, touched FROM {settings.APP_ROLE}",
        ),
    ]
