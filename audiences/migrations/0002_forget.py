from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    """Audiences that can no longer be restored are deleted for good."""

    dependencies = [("audiences", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"GRANT DELETE ON audience TO {settings.APP_ROLE}", f"REVOKE DELETE ON audience FROM {settings.APP_ROLE}"
        ),
    ]
