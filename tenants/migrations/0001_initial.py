import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.fields
import tenants.ids
import tenants.kinds
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(blank=True, default='', max_length=80)),
                ('language', models.CharField(blank=True, default='', max_length=12)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Currency',
            fields=[
                ('code', models.CharField(max_length=3, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('digits', models.PositiveSmallIntegerField(default=2)),
            ],
            bases=(tenants.kinds.Reference, models.Model),
        ),
        migrations.CreateModel(
            name='Language',
            fields=[
                ('code', models.CharField(max_length=12, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('is_rtl', models.BooleanField(default=False)),
            ],
            bases=(tenants.kinds.Reference, models.Model),
        ),
        migrations.CreateModel(
            name='Country',
            fields=[
                ('code', models.CharField(max_length=2, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('currency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.currency')),
                ('zone', models.CharField(max_length=40)),
            ],
            bases=(tenants.kinds.Reference, models.Model),
        ),
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slug', models.CharField(max_length=63, unique=True)),
                ('state', models.CharField(choices=[('trial', 'Trial'), ('active', 'Active'), ('past_due', 'Past Due'), ('suspended', 'Suspended'), ('closing', 'Closing')], default='active', max_length=12)),
                ('plan', models.CharField(default='free', max_length=20)),
                ('country', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.country')),
                ('currency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.currency')),
                ('zone', models.CharField(max_length=40)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            bases=(tenants.kinds.AppendOnly, tenants.kinds.Reference, models.Model),
        ),
        migrations.CreateModel(
            name='Domain',
            fields=[
                ('name', models.CharField(max_length=253, primary_key=True, serialize=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='domains', to='tenants.tenant')),
            ],
            bases=(tenants.kinds.AppendOnly, tenants.kinds.Reference, models.Model),
        ),
        migrations.CreateModel(
            name='Seat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seats', to=settings.AUTH_USER_MODEL)),
                ('tenant_id', models.UUIDField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'tenant_id'), name='seat_once')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('tenant_id', models.UUIDField(null=True)),
                ('user_id', models.UUIDField(null=True)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
                'indexes': [models.Index(fields=['user_id'], name='session_user')],
            },
        ),
        migrations.CreateModel(
            name='Shop',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('name', models.CharField(max_length=80)),
                ('greeting', models.CharField(blank=True, default='', max_length=140)),
                ('colour', models.CharField(default='#5b2a4e', max_length=7)),
                ('icon', models.CharField(default='cup', max_length=20)),
                ('language', models.ForeignKey(default='en', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.language')),
                ('languages', models.JSONField(default=list)),
                ('native_digits', models.BooleanField(default=False)),
                ('pin_length', models.PositiveSmallIntegerField(default=4)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='shop_one_a_tenant')],
            },
        ),
        migrations.CreateModel(
            name='Location',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('name', models.CharField(max_length=80)),
            ],
            options={
                'abstract': False,
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Staff',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('user', tenants.fields.LocalForeignKey(blank=True, db_index=False, null=True, to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(max_length=80)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('manager', 'Manager'), ('cashier', 'Cashier')], default='cashier', max_length=8)),
                ('pin_hash', models.CharField(default='', editable=False, max_length=128)),
                ('pin_wrong', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('pin_wait_until', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('tenant', 'user'), name='staff_one_a_user')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='tenants.location')),
                ('name', models.CharField(max_length=80)),
                ('token_hash', models.CharField(editable=False, max_length=64)),
                ('last_seen', models.DateTimeField(editable=False, null=True)),
                ('wrong_pins', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('wrong_pins_on', models.DateField(editable=False, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'token_hash'), name='device_token')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='OneTimeSecret',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('purpose', models.CharField(max_length=20)),
                ('subject', models.UUIDField()),
                ('hash', models.CharField(max_length=64)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'purpose', 'hash'), name='secret_once')],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('at', models.DateTimeField()),
                ('who', models.CharField(max_length=80)),
                ('device', models.UUIDField(null=True)),
                ('address', models.CharField(default='', max_length=45)),
                ('request_id', models.CharField(default='', max_length=36)),
                ('act', models.CharField(max_length=40)),
                ('subject', models.UUIDField(null=True)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'at'], name='audit_by_time'), models.Index(fields=['tenant', 'subject', 'at'], name='audit_by_subject')],
            },
            bases=(tenants.kinds.AppendOnly, models.Model),
        ),
    ]
