"""The name of a model; its table keeps its own."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [('tenants', '0011_list_columns')]

    operations: ClassVar[list[Any]] = [
        migrations.RenameModel("Wake", "PendingWork"),
    ]
