"""Names of models; their tables keep theirs."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("contacts", "0016_alias_silent")]

    operations: ClassVar[list[Any]] = [
        migrations.RenameModel("Turn", "WriteLock"),
        migrations.RenameModel("News", "SilentChange"),
        migrations.RenameModel("Withdrawn", "UndoArchive"),
    ]
