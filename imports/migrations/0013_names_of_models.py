"""The name of a model; its table keeps its own."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [('imports', '0012_plain_phase_words')]

    operations: ClassVar[list[Any]] = [
        migrations.RenameModel("Touched", "RowEffect"),
    ]
