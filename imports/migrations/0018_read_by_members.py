from django.db import migrations, models

from tenants.isolation.rls import LetMembersRead


class Migration(migrations.Migration):
    """The operations page reads imports of all workspaces of a person; the partial index finds those under way."""

    dependencies = [("imports", "0017_segment_upload"), ("tenants", "0001_initial")]
    operations = [
        LetMembersRead("import"),
        LetMembersRead("import_unit"),
        migrations.AddField("import", "priority", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddIndex(
            "import",
            models.Index(fields=["tenant_id", "id"], name="import_under_way", condition=~models.Q(phase="done")),
        ),
    ]
