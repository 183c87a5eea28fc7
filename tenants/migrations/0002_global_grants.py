"""Grants on the tables of Django and of the log-in library, which exist only after their own migrations."""

from django.db import migrations

from tenants.isolation.rls import GrantGlobal


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        GrantGlobal(
            "account_emailaddress",
            "account_emailconfirmation",
            "django_session",
            "django_content_type",
            "django_migrations",
        ),
    ]
