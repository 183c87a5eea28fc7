import tenants.isolation.base
from django.db import migrations, models

from tenants.isolation.rls import Protect


class Migration(migrations.Migration):
    """Who came into a lookalike and who left it, by refresh."""

    dependencies = [("audiences", "0003_lookalike_field")]

    operations = [
        migrations.CreateModel(
            name="LookalikeChange",
            fields=[
                ("tenant_id", models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ("contact_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("lookalike_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("entered", models.BooleanField()),
            ],
            options={
                "db_table": "lookalike_change",
                "abstract": False,
                "managed": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.RunSQL(
            "CREATE TABLE lookalike_change (tenant_id bigint NOT NULL, lookalike_id bigint NOT NULL, "
            "at timestamptz NOT NULL, contact_id bigint NOT NULL, entered boolean NOT NULL, "
            "PRIMARY KEY (tenant_id, lookalike_id, at, contact_id))",
            "DROP TABLE lookalike_change",
        ),
        migrations.RunSQL(
            "CREATE INDEX lookalike_change_contact ON lookalike_change (tenant_id, contact_id)", migrations.RunSQL.noop
        ),
        Protect("lookalike_change", own_key=True),
    ]
