from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import tenants.isolation.base
from tenants.isolation.rls import Protect, RestrictRemoval


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("tenants", "0014_single_sign_on")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="WorkspaceExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tenant_id",
                    models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Ready"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("file", models.CharField(blank=True, max_length=120)),
                ("bytes", models.BigIntegerField(default=0)),
                ("rows", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "workspace_export",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="tenant",
            name="closed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="erase_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="erased_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="erasing_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(condition=models.Q(("erased_at", None)), fields=["erase_at"], name="tenant_to_erase"),
        ),
        migrations.AddField(
            model_name="workspaceexport",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        Protect("workspace_export"),
        RestrictRemoval("audit_entry"),
        RestrictRemoval("identity_provider"),
    ]
