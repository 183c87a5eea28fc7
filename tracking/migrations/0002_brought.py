import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('tracking', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL("ALTER TABLE event ALTER COLUMN visitor_id DROP NOT NULL", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE event ALTER COLUMN site_id DROP NOT NULL", migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE event ADD COLUMN contact_id bigint", "ALTER TABLE event DROP COLUMN contact_id"
        ),
        migrations.RunSQL("ALTER TABLE event ADD COLUMN import_id bigint", "ALTER TABLE event DROP COLUMN import_id"),
        migrations.RunSQL("ALTER TABLE event ADD COLUMN row_no integer", "ALTER TABLE event DROP COLUMN row_no"),
        migrations.RunSQL(
            "CREATE INDEX event_contact ON event (tenant_id, contact_id, at) WHERE contact_id IS NOT NULL",
            "DROP INDEX event_contact",
        ),
        migrations.RunSQL(
            "CREATE INDEX event_import ON event (tenant_id, import_id, contact_id) WHERE import_id IS NOT NULL",
            "DROP INDEX event_import",
        ),
        # An undo takes out what an import brought.
        migrations.RunSQL(
            f"GRANT DELETE ON event TO {settings.APP_ROLE}", f"REVOKE DELETE ON event FROM {settings.APP_ROLE}"
        ),
        migrations.RunSQL(
            "CREATE INDEX visitor_import ON visitor (tenant_id, import_id) WHERE import_id IS NOT NULL",
            "DROP INDEX visitor_import",
        ),
        migrations.CreateModel(
            name='EventKey',
            fields=[
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('key', models.TextField(primary_key=True, serialize=False)),
                ('import_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'event_key',
                'abstract': False,
                'managed': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunSQL(
            'CREATE TABLE event_key (tenant_id bigint NOT NULL, key text COLLATE "C" NOT NULL, import_id bigint NOT NULL, '
            "PRIMARY KEY (tenant_id, key))",
            "DROP TABLE event_key",
        ),
        migrations.RunSQL("CREATE INDEX event_key_import ON event_key (tenant_id, import_id)", migrations.RunSQL.noop),
        Protect("event_key", own_key=True),
        migrations.CreateModel(
            name='SourceName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('kind', models.CharField(choices=[('endpoint', 'API endpoint'), ('touchpoint', 'Touchpoint'), ('action', 'Source action')], max_length=12)),
                ('name', models.CharField(max_length=120)),
                ('touchpoint', models.CharField(blank=True, db_default='', max_length=120)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('archived_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'source_name',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'kind', 'name'), name='source_name_once')],
            },
        ),
        Protect("source_name"),
    ]
