from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("imports", "0010_losses"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="draft",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
