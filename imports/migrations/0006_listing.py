from django.db import migrations, models

from tenants.isolation.rls import Protect


class Migration(migrations.Migration):
    dependencies = [("imports", "0005_sheets"), ("contacts", "0013_aliases")]

    operations = [
        migrations.CreateModel(
            name="Listing",
            fields=[
                ("tenant_id", models.BigIntegerField(editable=False)),
                ("import_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("start", models.IntegerField()),
            ],
            options={"db_table": "import_listing", "managed": False, "abstract": False, "base_manager_name": "objects"},
        ),
        migrations.RunSQL(
            "CREATE TABLE import_listing (tenant_id bigint NOT NULL, import_id bigint NOT NULL, start integer NOT NULL, "
            "part integer NOT NULL, keys text[] NOT NULL, contact_ids bigint[] NOT NULL, "
            "PRIMARY KEY (tenant_id, import_id, start, part))",
            "DROP TABLE import_listing",
        ),
        Protect("import_listing", own_key=True, grants="SELECT, INSERT, DELETE"),
    ]
