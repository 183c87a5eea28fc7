from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    """After a large import, and before a large undo, the planner is told how large the tables are (imports.pipeline.queries.analyze_tables)."""

    dependencies = [
        ("contacts", "0003_withdrawn"),
        ("imports", "0003_complete_fields"),
        ("segments", "0002_member_import"),
    ]

    operations = [
        migrations.RunSQL(
            f"GRANT MAINTAIN ON contact, touched, segment_member TO {settings.APP_ROLE}",
            f"REVOKE MAINTAIN ON contact, touched, segment_member FROM {settings.APP_ROLE}",
        ),
    ]
