from typing import Any, ClassVar

from django.db import migrations, models

from tenants.isolation.rls import GrantGlobal


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("tenants", "0012_names_of_models"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("usersessions", "0001_initial"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="tenant",
            name="needs_second_factor",
            field=models.BooleanField(db_default=False, default=False),
        ),
        GrantGlobal("mfa_authenticator", "usersessions_usersession"),
    ]
