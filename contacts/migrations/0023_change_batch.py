"""Which transaction has written which entries of the order of changes: what a follower reads without losing one."""

import tenants.isolation.base
from django.db import migrations, models

from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0022_contact_living'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChangeBatch',
            fields=[
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('xid', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(db_collation='C', max_length=1)),
            ],
            options={
                'db_table': 'change_batch',
                'abstract': False,
                'managed': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunSQL(
            "CREATE TABLE change_batch (tenant_id bigint NOT NULL, "
            "xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint, at timestamptz NOT NULL, "
            "kind varchar(1) COLLATE \"C\" NOT NULL, PRIMARY KEY (tenant_id, xid, at, kind))",
            "DROP TABLE change_batch",
        ),
        Protect("change_batch", own_key=True),
    ]
