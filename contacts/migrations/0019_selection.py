"""Whom a bulk action is about is called its selection in code."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("contacts", "0018_moved_by_app")]

    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("bulkaction", "asked", "selection"),
                migrations.AlterField("bulkaction", "selection", models.JSONField(db_column="asked", default=dict)),
            ],
        ),
    ]
