from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies: ClassVar[list[Any]] = [("tenants", "0016_limits")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('kind', models.CharField(db_collation='C', max_length=20)),
                ('days', models.IntegerField(null=True)),
                ('next_days', models.IntegerField(null=True)),
                ('next_at', models.DateTimeField(null=True)),
                ('version', models.IntegerField(default=0)),
                ('run_at', models.DateTimeField(null=True)),
                ('stepped_at', models.DateTimeField(null=True)),
                ('removing', models.BigIntegerField(default=0)),
                ('progress', models.JSONField(default=dict)),
                ('ended_at', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, max_length=300)),
                ('removed', models.BigIntegerField(default=0)),
                ('removed_at', models.DateTimeField(null=True)),
                ('next_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'retention_rule',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'kind'), name='retention_rule_once')],
            },
        ),
        Protect("retention_rule"),
    ]
