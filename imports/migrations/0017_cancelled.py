"""The label of a cancelled import, as pages spell it. Only words: the table does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0016_contacts_version")]

    operations = [
        migrations.AlterField(
            model_name="import",
            name="status",
            field=models.CharField(
                choices=[
                    ("preparing", "Preparing"),
                    ("ready_for_review", "Ready for review"),
                    ("importing", "Importing"),
                    ("imported", "Imported"),
                    ("failed", "Failed"),
                    ("canceled", "Cancelled"),
                    ("undoing", "Undoing"),
                    ("undone", "Undone"),
                ],
                default="preparing",
                max_length=16,
            ),
        ),
    ]
