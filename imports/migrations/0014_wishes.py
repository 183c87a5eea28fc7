"""What people want of an import: `turning` is called undo_direction in code, and what nobody read goes."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("imports", "0013_names_of_models")]

    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("import", "turning", "undo_direction"),
                migrations.AlterField(
                    "import",
                    "undo_direction",
                    models.CharField(blank=True, db_column="turning", db_default="", max_length=4),
                ),
            ],
        ),
        migrations.RemoveField("import", "auto_start"),
    ]
