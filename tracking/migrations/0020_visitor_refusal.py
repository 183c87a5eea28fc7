import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('tracking', '0007_sites_and_repeats'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='VisitorRefusal',
            fields=[
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('visitor_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('contact_id', models.BigIntegerField()),
                ('kind', models.CharField(max_length=12)),
                ('value', models.TextField()),
                ('refused_at', models.DateTimeField()),
                ('was', models.JSONField(default=dict)),
                ('refused_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'visitor_refusal',
                'abstract': False,
                'managed': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunSQL(
            "CREATE TABLE visitor_refusal (tenant_id bigint NOT NULL, visitor_id bigint NOT NULL, contact_id bigint NOT NULL, "
            'kind varchar(12) NOT NULL, value text COLLATE "C" NOT NULL, refused_at timestamptz NOT NULL, '
            "refused_by_id bigint, was jsonb NOT NULL DEFAULT '{}', "
            "PRIMARY KEY (tenant_id, visitor_id, contact_id, kind, value))",
            "DROP TABLE visitor_refusal",
        ),
        migrations.RunSQL(
            "CREATE INDEX visitor_refusal_contact ON visitor_refusal (tenant_id, contact_id)", migrations.RunSQL.noop
        ),
        Protect("visitor_refusal", own_key=True),
        # When an identifier was stored, which may be long after it was used. What is here already was stored by now.
        migrations.RunSQL("ALTER TABLE visitor_identifier ADD COLUMN added_at timestamptz NOT NULL DEFAULT now()", "SELECT 1"),
        migrations.RunSQL(
            "ALTER TABLE visitor_identifier ALTER COLUMN added_at SET DEFAULT clock_timestamp()", "SELECT 1"
        ),
        migrations.RunSQL("DROP INDEX visitor_identifier_seen", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX visitor_identifier_added ON visitor_identifier (tenant_id, added_at, visitor_id)",
            migrations.RunSQL.noop,
        ),
    ]
