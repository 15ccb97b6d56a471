import django.db.models.deletion
import django.db.models.expressions
import tenants.fields
import tenants.ids
import tenants.kinds
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0001_initial'),
        ('tenants', '0005_usage_by_hour'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tier',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tiers', to='loyalty.program')),
                ('name', models.CharField(max_length=80)),
                ('threshold', models.PositiveBigIntegerField(default=0)),
                ('multiplier', models.DecimalField(decimal_places=3, default=1, max_digits=8)),
                ('perks', models.JSONField(default=list)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('tenant', 'program', 'threshold'), name='tier_one_a_threshold'), models.CheckConstraint(condition=models.Q(('multiplier__gt', 0)), name='tier_multiplies')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.CreateModel(
            name='Reward',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('is_active', models.BooleanField(default=True, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_by', models.CharField(default='', editable=False, max_length=80)),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rewards', to='loyalty.program')),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('amount', 'Amount'), ('percent', 'Percent'), ('item', 'Item'), ('gift', 'Gift'), ('pay', 'Pay')], max_length=7)),
                ('cost', models.PositiveBigIntegerField(default=0)),
                ('value', models.PositiveBigIntegerField(default=0)),
                ('unit_cost', models.PositiveBigIntegerField(null=True)),
                ('stock', models.PositiveIntegerField(null=True)),
                ('per_member', models.PositiveIntegerField(null=True)),
                ('valid_days', models.PositiveIntegerField(null=True)),
                ('conditions', models.JSONField(default=dict)),
                ('is_auto', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('live', 'Live'), ('paused', 'Paused'), ('ended', 'Ended')], default='live', max_length=6)),
                ('position', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('is_auto', False), ('cost__gt', 0), _connector='OR'), name='reward_auto_costs')],
            },
            bases=(tenants.kinds.Kept, models.Model),
        ),
        migrations.AddField(
            model_name='account',
            name='tier_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='tier_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='earnrule',
            name='factor',
            field=models.DecimalField(decimal_places=3, default=1, max_digits=8),
        ),
        migrations.AddField(
            model_name='earnrule',
            name='name',
            field=models.CharField(blank=True, default='', max_length=80),
        ),
        migrations.AddField(
            model_name='earnrule',
            name='used',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='entry',
            name='reverses',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='loyalty.entry'),
        ),
        migrations.AddField(
            model_name='member',
            name='birth_date',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='member',
            name='merged_into',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='loyalty.member'),
        ),
        migrations.AddField(
            model_name='program',
            name='policy',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='purchase',
            name='flags',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='purchase',
            name='reward_discount',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='purchase',
            name='tax',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='account',
            name='carry',
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='earnrule',
            name='kind',
            field=models.CharField(choices=[('spend', 'Spend'), ('visit', 'Visit'), ('item', 'Item'), ('bonus', 'Bonus'), ('multiplier', 'Multiplier')], max_length=10),
        ),
        migrations.AlterField(
            model_name='earnrule',
            name='points',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='entry',
            name='kind',
            field=models.CharField(choices=[('earn', 'Earn'), ('bonus', 'Bonus'), ('redeem', 'Redeem'), ('expire', 'Expire'), ('clawback', 'Clawback'), ('restore', 'Restore'), ('adjust', 'Adjust'), ('merge_in', 'Merge In'), ('merge_out', 'Merge Out'), ('opening', 'Opening'), ('forfeit', 'Forfeit')], max_length=10),
        ),
        migrations.AlterField(
            model_name='entry',
            name='operation',
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('birth_date__isnull', False)), fields=['tenant', 'birth_date'], name='member_by_birthday'),
        ),
        migrations.AddConstraint(
            model_name='earnrule',
            constraint=models.CheckConstraint(condition=models.Q(('factor__gte', 1)), name='earnrule_factor_multiplies'),
        ),
        migrations.AddConstraint(
            model_name='purchase',
            constraint=models.CheckConstraint(condition=models.Q(('reward_discount__gte', 0), ('tax__gte', 0), ('total__gte', django.db.models.expressions.CombinedExpression(models.F('tax'), '+', models.F('reward_discount')))), name='purchase_parts'),
        ),
        migrations.AddField(
            model_name='account',
            name='floor_tier',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.tier'),
        ),
        migrations.AddField(
            model_name='account',
            name='tier',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.tier'),
        ),
        migrations.AddIndex(
            model_name='account',
            index=models.Index(condition=models.Q(('next_change_at__isnull', False)), fields=['tenant', 'next_change_at'], name='account_due'),
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='loyalty.member')),
                ('purpose', models.CharField(choices=[('marketing', 'Marketing')], max_length=20)),
                ('granted', models.BooleanField(default=False)),
                ('at', models.DateTimeField()),
                ('source', models.CharField(max_length=20)),
                ('text_version', models.CharField(default='', max_length=40)),
                ('who', models.CharField(max_length=80)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'member', 'purpose', 'at'], name='consent_latest')],
            },
            bases=(tenants.kinds.AppendOnly, models.Model),
        ),
        migrations.CreateModel(
            name='Referral',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('friend', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.member')),
                ('referrer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='referrals', to='loyalty.member')),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('paid', 'Paid')], default='pending', max_length=7)),
                ('purchase', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='referrals', to='loyalty.purchase')),
                ('at', models.DateTimeField()),
                ('paid_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'friend'), name='referral_one_a_friend'), models.CheckConstraint(condition=models.Q(('friend', models.F('referrer')), _negated=True), name='referral_of_another')],
            },
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('kept', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.member')),
                ('gone', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='loyalty.member')),
                ('at', models.DateTimeField()),
                ('who', models.CharField(max_length=80)),
                ('moved', models.JSONField(default=dict)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kept', models.F('gone')), _negated=True), name='merge_of_two')],
            },
        ),
        migrations.CreateModel(
            name='Voucher',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('code', models.CharField(max_length=40)),
                ('code_key', models.CharField(max_length=40)),
                ('kind', models.CharField(choices=[('amount', 'Amount'), ('percent', 'Percent'), ('item', 'Item'), ('gift', 'Gift'), ('gift_card', 'Gift Card'), ('points', 'Points'), ('pay', 'Pay')], max_length=9)),
                ('status', models.CharField(choices=[('issued', 'Issued'), ('used', 'Used'), ('voided', 'Voided')], default='issued', max_length=6)),
                ('value', models.PositiveBigIntegerField(default=0)),
                ('remaining_value', models.PositiveBigIntegerField(default=0)),
                ('points', models.PositiveBigIntegerField(default=0)),
                ('uses', models.PositiveIntegerField(default=1)),
                ('used', models.PositiveIntegerField(default=0)),
                ('per_member', models.PositiveIntegerField(null=True)),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='vouchers', to='loyalty.member')),
                ('reward', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='vouchers', to='loyalty.reward')),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='vouchers', to='loyalty.account')),
                ('cost', models.PositiveBigIntegerField(default=0)),
                ('is_auto', models.BooleanField(default=False)),
                ('issued_at', models.DateTimeField()),
                ('valid_from', models.DateField(null=True)),
                ('valid_until', models.DateField(null=True)),
                ('min_spend', models.PositiveBigIntegerField(default=0)),
                ('max_discount', models.PositiveBigIntegerField(null=True)),
                ('held_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.device')),
                ('hold_until', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'issued_at'], name='voucher_by_time')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'code_key'), name='voucher_code'), models.CheckConstraint(condition=models.Q(('used__lte', models.F('uses'))), name='voucher_uses'), models.CheckConstraint(condition=models.Q(('remaining_value__lte', models.F('value'))), name='voucher_remaining')],
            },
        ),
        migrations.CreateModel(
            name='Redemption',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('purchase', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='loyalty.purchase')),
                ('voucher', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='in_sales', to='loyalty.voucher')),
                ('restored', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'voucher'), name='redemption_one_sale')],
            },
        ),
        migrations.CreateModel(
            name='VoucherUse',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('voucher', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='each_use', to='loyalty.voucher')),
                ('member', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.member')),
                ('amount', models.BigIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('device', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.device')),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.staff')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'voucher', 'member'], name='voucheruse_count')],
            },
            bases=(tenants.kinds.AppendOnly, models.Model),
        ),
        migrations.CreateModel(
            name='RuleUse',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', tenants.fields.TenantField()),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.earnrule')),
                ('purchase', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rule_uses', to='loyalty.purchase')),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.account')),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'account', 'rule', 'at'], name='ruleuse_count')],
            },
        ),
        migrations.AddField(
            model_name='entry',
            name='voucher',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='loyalty.voucher'),
        ),
    ]
