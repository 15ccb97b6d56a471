"""The tables of the business. Why they are cut this way: docs/decisions.md, "The ledger"."""

from loyalty.models.account import Account, Allocation, Entry, Lot
from loyalty.models.member import Identifier, Member
from loyalty.models.operation import Operation
from loyalty.models.program import EarnRule, Program
from loyalty.models.purchase import Purchase, Refund

__all__ = [
    "Account",
    "Allocation",
    "EarnRule",
    "Entry",
    "Identifier",
    "Lot",
    "Member",
    "Operation",
    "Program",
    "Purchase",
    "Refund",
]
