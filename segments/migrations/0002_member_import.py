from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('segments', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE segment_member ADD COLUMN import_id bigint", "ALTER TABLE segment_member DROP COLUMN import_id"
        ),
        # An undo asks for the members that an import has added.
        migrations.RunSQL(
            "CREATE INDEX segment_member_import ON segment_member (tenant_id, import_id, segment_id, contact_id) "
            "WHERE import_id IS NOT NULL",
            "DROP INDEX segment_member_import",
        ),
    ]
