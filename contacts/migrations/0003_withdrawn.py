from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0002_change'),
    ]

    operations = [
        migrations.CreateModel(
            name='Withdrawn',
            fields=[
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('import_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=12)),
                ('item', models.BigIntegerField()),
                ('part', models.BigIntegerField()),
                ('data', models.JSONField()),
            ],
            options={
                'db_table': 'withdrawn',
                'abstract': False,
                'managed': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunSQL(
            "CREATE TABLE withdrawn (tenant_id bigint NOT NULL, import_id bigint NOT NULL, kind varchar(12) NOT NULL, "
            "item bigint NOT NULL, part bigint NOT NULL, data jsonb NOT NULL, "
            "PRIMARY KEY (tenant_id, import_id, kind, item, part))",
            "DROP TABLE withdrawn",
        ),
        Protect("withdrawn", own_key=True),
    ]
