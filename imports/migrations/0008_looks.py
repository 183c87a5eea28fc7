from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0007_aliases_of_before'),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='looks',
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
