import django.db.models.deletion
import loyalty.numbers
import tenants.fields
import tenants.ids
import tenants.kinds
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Program',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('name', models.CharField(max_length=80)),
                ('unit', models.CharField(choices=[('point', 'Point'), ('stamp', 'Stamp'), ('money', 'Money')], default='point', max_length=5)),
                ('unit_words', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('live', 'Live'), ('paused', 'Paused'), ('ended', 'Ended')], default='draft', max_length=6)),
                ('rounding', models.CharField(choices=[('floor', 'Floor'), ('nearest', 'Nearest'), ('ceil', 'Ceil')], default='floor', max_length=7)),
                ('carries', models.BooleanField(default=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_active', True), ('status', 'live')), fields=('tenant',), name='program_one_live')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='EarnRule',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rules', to='loyalty.program')),
                ('kind', models.CharField(choices=[('spend', 'Spend'), ('visit', 'Visit')], max_length=10)),
                ('points', models.PositiveIntegerField()),
                ('per', models.PositiveIntegerField(default=0)),
                ('is_smooth', models.BooleanField(default=False)),
                ('conditions', models.JSONField(default=dict)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'spend'), _negated=True), ('per__gt', 0), _connector='OR'), name='earnrule_spend_per')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('code', models.CharField(default=loyalty.numbers.new_code, max_length=12)),
                ('name', models.CharField(blank=True, default='', max_length=80)),
                ('name_key', models.CharField(default='', editable=False, max_length=80)),
                ('surname_key', models.CharField(default='', editable=False, max_length=80)),
                ('staff', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cards', to='tenants.staff')),
                ('status', models.CharField(choices=[('active', 'Active'), ('blocked', 'Blocked'), ('merged', 'Merged'), ('erased', 'Erased')], default='active', max_length=7)),
                ('language', models.CharField(blank=True, default='', max_length=12)),
                ('enrolled_at', models.DateTimeField()),
                ('enrolled_by', models.CharField(max_length=80)),
                ('source', models.CharField(max_length=20)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'name_key'], name='member_by_name', opclasses=['uuid_ops', 'text_pattern_ops']), models.Index(fields=['tenant', 'surname_key'], name='member_by_surname', opclasses=['uuid_ops', 'text_pattern_ops']), models.Index(fields=['tenant', 'enrolled_at'], name='member_by_enrolment')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'code'), name='member_code')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Identifier',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identifiers', to='loyalty.member')),
                ('kind', models.CharField(choices=[('phone', 'Phone'), ('email', 'Email'), ('card', 'Card'), ('link', 'Link')], max_length=5)),
                ('value', models.CharField(max_length=200)),
                ('reversed', models.CharField(default='', max_length=40)),
                ('verified_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('reversed', ''), _negated=True), fields=['tenant', 'reversed'], name='identifier_by_last_digits', opclasses=['uuid_ops', 'text_pattern_ops'])],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('tenant', 'kind', 'value'), name='identifier_one_member')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='loyalty.member')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='loyalty.program')),
                ('balance', models.BigIntegerField(default=0)),
                ('pending', models.BigIntegerField(default=0)),
                ('debt', models.BigIntegerField(default=0)),
                ('carry', models.PositiveIntegerField(default=0)),
                ('lifetime', models.BigIntegerField(default=0)),
                ('last_activity', models.DateTimeField(null=True)),
                ('next_change_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'last_activity'], name='account_by_activity'), models.Index(fields=['tenant', 'balance'], name='account_by_balance')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'member', 'program'), name='account_once'), models.CheckConstraint(condition=models.Q(('balance__gte', 0), ('debt__gte', 0), ('pending__gte', 0)), name='account_not_negative'), models.CheckConstraint(condition=models.Q(('debt', 0), ('balance', 0), _connector='OR'), name='account_debt_first')],
            },
        ),
        migrations.CreateModel(
            name='Purchase',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='loyalty.account')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.location')),
                ('device', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.device')),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.staff')),
                ('ref', models.CharField(default='', max_length=80)),
                ('occurred_at', models.DateTimeField()),
                ('total', models.BigIntegerField()),
                ('refunded', models.BigIntegerField(default=0)),
                ('earned', models.BigIntegerField(default=0)),
                ('clawed', models.BigIntegerField(default=0)),
                ('lines', models.JSONField(null=True)),
                ('snapshot', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'occurred_at'], name='purchase_by_time'), models.Index(fields=['tenant', 'account', 'occurred_at'], name='purchase_by_account')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ref', ''), _negated=True), fields=('tenant', 'location', 'ref'), name='purchase_receipt'), models.CheckConstraint(condition=models.Q(('refunded__gte', 0), ('refunded__lte', models.F('total')), ('total__gte', 0)), name='purchase_refunded'), models.CheckConstraint(condition=models.Q(('clawed__gte', 0), ('clawed__lte', models.F('earned'))), name='purchase_clawed')],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('purchase', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='loyalty.purchase')),
                ('ref', models.CharField(default='', max_length=80)),
                ('amount', models.BigIntegerField()),
                ('lines', models.JSONField(null=True)),
                ('occurred_at', models.DateTimeField()),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.staff')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ref', ''), _negated=True), fields=('tenant', 'purchase', 'ref'), name='refund_receipt'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='refund_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='loyalty.account')),
                ('kind', models.CharField(choices=[('earn', 'Earn'), ('clawback', 'Clawback')], max_length=10)),
                ('amount', models.BigIntegerField()),
                ('occurred_at', models.DateTimeField()),
                ('operation', models.UUIDField()),
                ('purchase', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='loyalty.purchase')),
                ('refund', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='loyalty.refund')),
                ('reason', models.CharField(default='', max_length=140)),
            ],
            options={
                'verbose_name_plural': 'entries',
                'indexes': [models.Index(fields=['tenant', 'account', 'occurred_at'], name='entry_by_account'), models.Index(fields=['tenant', 'occurred_at'], name='entry_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='entry_moves')],
            },
            bases=(tenants.kinds.AppendOnly, models.Model),
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='loyalty.account')),
                ('entry', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='loyalty.entry')),
                ('purchase', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='loyalty.purchase')),
                ('amount', models.BigIntegerField()),
                ('remaining', models.BigIntegerField()),
                ('earned_at', models.DateTimeField()),
                ('available_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('remaining__gt', 0)), fields=['tenant', 'account', 'expires_at'], name='lot_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('remaining__gte', 0), ('remaining__lte', models.F('amount'))), name='lot_remaining')],
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='loyalty.entry')),
                ('lot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='loyalty.lot')),
                ('amount', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='allocation_takes')],
            },
            bases=(tenants.kinds.AppendOnly, models.Model),
        ),
        migrations.CreateModel(
            name='Operation',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('source', models.CharField(max_length=80)),
                ('key', models.CharField(max_length=80)),
                ('verb', models.CharField(max_length=20)),
                ('fingerprint', models.CharField(max_length=32)),
                ('who', models.CharField(max_length=80)),
                ('at', models.DateTimeField()),
                ('result', models.JSONField(default=dict)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'source', 'key'), name='operation_once')],
            },
        ),
    ]
