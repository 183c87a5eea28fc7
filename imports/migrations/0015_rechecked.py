"""What is wrong with a corrected row is kept with it. Rows corrected before have none: it is worked out when it is asked for."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("imports", "0014_wishes")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(
            "ALTER TABLE rejected_row ADD COLUMN rechecked jsonb", "ALTER TABLE rejected_row DROP COLUMN rechecked"
        ),
    ]
