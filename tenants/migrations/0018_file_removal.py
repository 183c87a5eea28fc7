from typing import Any, ClassVar

from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies: ClassVar[list[Any]] = [("tenants", "0017_retention")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name='FileRemoval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('name', models.CharField(db_collation='C', max_length=200)),
            ],
            options={
                'db_table': 'file_removal',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        Protect("file_removal"),
    ]
