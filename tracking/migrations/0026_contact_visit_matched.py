from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Contacts by the moment at which the first of their visitors was recognized: dashboards count them."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0025_tally_rebuild")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(
            "CREATE INDEX contact_visit_matched ON contact_visit (tenant_id, matched_at)", migrations.RunSQL.noop
        ),
    ]
