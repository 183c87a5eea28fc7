"""The version of the contacts that a plan was made with is called so in code."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("imports", "0015_rechecked")]

    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("import", "turn_version", "contacts_version"),
                migrations.AlterField(
                    "import", "contacts_version", models.BigIntegerField(db_column="turn_version", null=True)
                ),
            ],
        ),
    ]
