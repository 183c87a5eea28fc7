from typing import Any, ClassVar

from django.db import migrations

from tenants.isolation.rls import RestrictRemoval


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("destinations", "0001_initial"), ("tenants", "0015_closing")]

    operations: ClassVar[list[Any]] = [RestrictRemoval("destination")]
