"""Events that an import brought move when their contacts become one; nothing else about them ever changes."""

from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tracking', '0002_brought'),
    ]

    operations = [
        migrations.RunSQL(
            f"GRANT UPDATE (contact_id) ON event TO {settings.APP_ROLE}",
            f"REVOKE UPDATE (contact_id) ON event FROM {settings.APP_ROLE}",
        ),
    ]
