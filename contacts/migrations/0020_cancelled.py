"""The label of a cancelled bulk action, as pages spell it. Only words: the table does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0019_selection")]

    operations = [
        migrations.AlterField(
            model_name="bulkaction",
            name="state",
            field=models.CharField(
                choices=[
                    ("gathering", "Preparing"),
                    ("working", "Working"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("canceled", "Cancelled"),
                    ("undoing", "Undoing"),
                    ("undone", "Undone"),
                ],
                default="gathering",
                max_length=10,
            ),
        ),
    ]
