"""Who collects, and by what she is known."""

from __future__ import annotations

from django.db import models

from loyalty.numbers import new_code
from tenants.kinds import AppendOnly
from tenants.models import SoftDelete, Staff, TenantModel


class Member(SoftDelete, TenantModel):
    """An enrolled customer. Points hang on her, never on a phone number, which may change."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        BLOCKED = "blocked"
        MERGED = "merged"
        ERASED = "erased"

    code = models.CharField(max_length=12, default=new_code)  # printed on her card; identifies only
    name = models.CharField(max_length=80, default="", blank=True)
    name_key = models.CharField(max_length=80, default="", editable=False)  # numbers.fold(name)
    surname_key = models.CharField(max_length=80, default="", editable=False)  # its last word
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="cards")
    status = models.CharField(max_length=7, choices=Status, default=Status.ACTIVE)
    language = models.CharField(max_length=12, default="", blank=True)
    birth_date = models.DateField(null=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="merged", editable=False
    )
    enrolled_at = models.DateTimeField()
    enrolled_by = models.CharField(max_length=80)  # an Actor's `who`
    source = models.CharField(max_length=20)  # "till", "poster", "import"
    # When a card that its holder has neither proved nor used ends; NULL for everybody else's.
    unbound_until = models.DateTimeField(null=True, editable=False)
    # When a holder who asked for it is erased, unless she changes her mind; NULL for all others.
    erase_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)  # of what the owner may edit

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="member_code")]
        indexes = [
            models.Index(
                fields=["tenant", "name_key"],
                opclasses=["uuid_ops", "text_pattern_ops"],
                name="member_by_name",
            ),
            models.Index(
                fields=["tenant", "surname_key"],
                opclasses=["uuid_ops", "text_pattern_ops"],
                name="member_by_surname",
            ),
            models.Index(fields=["tenant", "enrolled_at"], name="member_by_enrolment"),
            models.Index(
                fields=["tenant", "unbound_until"],
                condition=models.Q(unbound_until__isnull=False),
                name="member_unbound",
            ),
            models.Index(
                fields=["tenant", "erase_at"],
                condition=models.Q(erase_at__isnull=False),
                name="member_leaving",
            ),
            models.Index(
                fields=["tenant", "birth_date"],
                condition=models.Q(birth_date__isnull=False),
                name="member_by_birthday",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_open(self) -> bool:
        """May this card earn and spend? Not while its holder waits to be erased."""
        is_leaving = self.erase_at is not None
        return self.is_active and self.status == self.Status.ACTIVE and not is_leaving


class Identifier(SoftDelete, TenantModel):
    """One thing a member is known by, normalised: a member has any number, each belongs to one.

    phone: E.164. email: lower case. card: a printed number. link: SHA-256 of the secret in her
    link.
    """

    class Kind(models.TextChoices):
        PHONE = "phone"
        EMAIL = "email"
        CARD = "card"
        LINK = "link"

    member = models.ForeignKey(Member, models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=5, choices=Kind)
    value = models.CharField(max_length=200)
    reversed = models.CharField(max_length=40, default="")  # a phone's digits, last first
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "value"],
                condition=models.Q(is_active=True),
                name="identifier_one_member",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "reversed"],
                opclasses=["uuid_ops", "text_pattern_ops"],
                condition=~models.Q(reversed=""),
                name="identifier_by_last_digits",
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Claim(TenantModel):
    """A phone or address that the holder of a card says is hers, until a code proves it.

    What is known already binds only so: the card she had is joined then with the one in her hand.
    """

    example = {"kind": "phone"}

    member = models.ForeignKey(Member, models.PROTECT, related_name="claims", db_index=False)
    kind = models.CharField(max_length=5, choices=Identifier.Kind)
    value = models.CharField(max_length=200)
    at = models.DateTimeField()
    code_hash = models.CharField(max_length=64, default="", editable=False)
    code_until = models.DateTimeField(null=True, editable=False)
    code_wrong = models.PositiveSmallIntegerField(default=0, editable=False)
    code_sent_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "member", "kind"], name="claim_one_a_kind"),
        ]

    def __str__(self) -> str:
        return f"claim of {self.kind}"


class Consent(AppendOnly, TenantModel):
    """That a member allowed something, or took it back: the latest of a purpose counts.

    `text_version` names the words she agreed to. Membership never depends on any of them.
    """

    class Purpose(models.TextChoices):
        MARKETING = "marketing"

    example = {"purpose": "marketing"}

    member = models.ForeignKey(Member, models.PROTECT, related_name="consents", db_index=False)
    purpose = models.CharField(max_length=20, choices=Purpose)
    granted = models.BooleanField(default=False)
    at = models.DateTimeField()
    source = models.CharField(max_length=20)
    text_version = models.CharField(max_length=40, default="")
    who = models.CharField(max_length=80)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "member", "purpose", "at"], name="consent_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.granted}"


class Referral(TenantModel):
    """That one member brought another, who pays it with her first qualifying sale (`purchase`).

    It is pending again when that sale is returned. The referrer is paid up to the program's cap.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"

    friend = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    referrer = models.ForeignKey(Member, models.PROTECT, related_name="referrals")
    status = models.CharField(max_length=7, choices=Status, default=Status.PENDING)
    purchase = models.ForeignKey(
        "loyalty.Purchase", models.PROTECT, null=True, related_name="referrals"
    )
    at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "friend"], name="referral_one_a_friend"),
            models.CheckConstraint(
                condition=~models.Q(friend=models.F("referrer")), name="referral_of_another"
            ),
        ]

    def __str__(self) -> str:
        return f"referral {self.status}"


class Merge(TenantModel):
    """That two cards of one person became one. `moved` names the rows that changed hands, so that
    it can be undone.
    """

    kept = models.ForeignKey(Member, models.PROTECT, related_name="+")
    gone = models.ForeignKey(Member, models.PROTECT, related_name="merges")
    at = models.DateTimeField()
    who = models.CharField(max_length=80)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(kept=models.F("gone")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"merge {self.pk}"
