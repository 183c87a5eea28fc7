from typing import Any, ClassVar

from django.db import migrations

from tenants.isolation.rls import RestrictRemoval


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("api", "0002_webhooks"), ("tenants", "0015_closing")]

    operations: ClassVar[list[Any]] = [RestrictRemoval("api_token")]
