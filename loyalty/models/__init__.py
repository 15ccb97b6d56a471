"""The tables of the business. Why they are cut this way: docs/decisions.md, "The ledger"."""

from loyalty.models.account import Account, Allocation, Entry, Lot
from loyalty.models.check import BooksCheck, DailyStat
from loyalty.models.draft import Draft
from loyalty.models.member import Claim, Consent, Identifier, Member, Merge, Referral
from loyalty.models.operation import Operation
from loyalty.models.program import EarnRule, Program, Reward, RuleUse, Tier
from loyalty.models.purchase import Purchase, Refund
from loyalty.models.voucher import Redemption, Voucher, VoucherUse

__all__ = [
    "Account",
    "Allocation",
    "BooksCheck",
    "Claim",
    "Consent",
    "DailyStat",
    "Draft",
    "EarnRule",
    "Entry",
    "Identifier",
    "Lot",
    "Member",
    "Merge",
    "Operation",
    "Program",
    "Purchase",
    "Redemption",
    "Referral",
    "Refund",
    "Reward",
    "RuleUse",
    "Tier",
    "Voucher",
    "VoucherUse",
]
