import django.db.models.deletion
import django.utils.timezone
import tenants.isolation.base
from django.conf import settings
from django.db import migrations, models

from tenants.isolation.rls import GrantGlobal, Protect


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0013_second_factor'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='needs_single_sign_on',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='tenant',
            name='trusts_provider_factor',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='IdentityProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('issuer', models.CharField(db_collation='C', max_length=300)),
                ('client_id', models.CharField(max_length=300)),
                ('secret', models.TextField()),
                ('is_on', models.BooleanField(default=True)),
                ('join_role', models.CharField(blank=True, max_length=12)),
                ('tested_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('error_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'identity_provider',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant_id',), name='identity_provider_once')],
            },
        ),
        migrations.CreateModel(
            name='ProviderLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(db_default=tenants.isolation.base.CurrentTenant(), editable=False)),
                ('issuer', models.CharField(db_collation='C', max_length=300)),
                ('subject', models.CharField(db_collation='C', max_length=255)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'provider_link',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'issuer', 'subject'), name='provider_link_once')],
            },
        ),
        migrations.CreateModel(
            name='SignInDomain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('domain', models.CharField(db_collation='C', max_length=253)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'db_table': 'sign_in_domain',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'domain'), name='sign_in_domain_once'), models.UniqueConstraint(condition=models.Q(('approved_at__isnull', False)), fields=('domain',), name='sign_in_domain_of_one')],
            },
        ),
        Protect("identity_provider", grants="SELECT, INSERT, UPDATE"),
        Protect("provider_link"),
        GrantGlobal("sign_in_domain"),
    ]
