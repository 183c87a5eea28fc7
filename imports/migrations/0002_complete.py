import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tracking', '0002_brought'),
        ('segments', '0002_member_import'),
        ('contacts', '0003_withdrawn'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('imports', '0001_initial'),
    ]

    operations = [
        # What a row changed, with the values before and after; rows of before keep their keys (a JSON list).
        migrations.RunSQL(
            "ALTER TABLE touched ALTER COLUMN changed TYPE jsonb USING to_jsonb(changed)", migrations.RunSQL.noop
        ),
        migrations.RunSQL("ALTER TABLE touched ADD COLUMN at timestamptz NOT NULL DEFAULT now()", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE touched ALTER COLUMN at DROP DEFAULT", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE touched ADD COLUMN was_at timestamptz", migrations.RunSQL.noop),
        migrations.RunSQL('ALTER TABLE touched ADD COLUMN undone "char"', migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE touched DROP CONSTRAINT touched_pkey", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE touched ADD PRIMARY KEY (tenant_id, import_id, row_no)", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX touched_contact ON touched (tenant_id, contact_id, import_id)", migrations.RunSQL.noop
        ),
        migrations.RunSQL("ALTER TABLE rejected_row ADD COLUMN fixed jsonb", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE rejected_row ADD COLUMN chosen_id bigint", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE rejected_row ADD COLUMN retried_in bigint", migrations.RunSQL.noop),
    ]
