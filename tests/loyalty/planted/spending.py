"""Which points are spent, how long they live, what is there."""

from __future__ import annotations

import datetime as dt

from loyalty import book, calendar, lots, policy, state
from loyalty.book import Book
from loyalty.models import Entry
from tests.loyalty.planted.planting import Patch, bug, everywhere

DAY = dt.timedelta(days=1)


@bug("EXP-05", "EXP-07")
def lifo_spending(patch: Patch) -> None:
    patch.setattr(lots, "spending_order", lambda lot: (-lot.earned_at.timestamp(), lot.pk))


@bug("EXP-04", "M-REV-01")
def fifo_spending(patch: Patch) -> None:
    """The oldest first, whichever dies first."""
    patch.setattr(lots, "spending_order", lambda lot: (lot.earned_at, lot.pk))


@bug("EXP-04", "M-REV-01")
def never_expiring_points_are_spent_first(patch: Patch) -> None:
    patch.setattr(lots, "NEVER", dt.datetime.min.replace(tzinfo=dt.UTC))


@bug("EXP-02", "PEND-01")
def missing_settle(patch: Patch) -> None:
    """A command goes by the row, whatever time has done since."""
    patch.setattr(Book, "settle", lambda self, account, at: None)


@bug("EXP-02", "M-EXP-04")
def a_balance_is_right_only_after_the_sweep(patch: Patch) -> None:
    def kept(account, at):
        told = (account.balance, account.pending, account.debt, account.carry, account.lifetime)
        return state.State(*told, account.tier, account.tier_until)

    everywhere(patch, state.state_at, kept)


@bug("EXP-01", "EXP-08")
def expiry_a_day_early(patch: Patch) -> None:
    expires_at = policy.expires_at

    def earlier(*args):
        found = expires_at(*args)
        return found and found - DAY

    everywhere(patch, expires_at, earlier)


@bug("EXP-01", "EXP-08", "EXP-10")
def expiry_a_day_late(patch: Patch) -> None:
    expires_at = policy.expires_at

    def later(*args):
        found = expires_at(*args)
        return found and found + DAY

    everywhere(patch, expires_at, later)


@bug("EXP-11", "M-EXP-03")
def a_month_that_overflows(patch: Patch) -> None:
    """31 January and a month is 3 March."""
    add_months = calendar.add_months

    def over(date, months):
        return add_months(date.replace(day=1), months) + (date.day - 1) * DAY

    everywhere(patch, add_months, over)


@bug("EXP-13")
def spending_is_no_activity(patch: Patch) -> None:
    touch = Book.touch

    def unless_earned(self, account, at):
        before = account.last_activity
        touch(self, account, at)
        if before:
            account.last_activity = before

    patch.setattr(Book, "touch", unless_earned)


@bug("EXP-14")
def only_what_was_earned_expires(patch: Patch) -> None:
    put = Book._put

    def kept(self, account, lot, amount, at):
        if lot.entry.kind != Entry.Kind.EARN:
            lot.expires_at = None
        put(self, account, lot, amount, at)

    patch.setattr(Book, "_put", kept)


@bug("PEND-01")
def pending_points_count_as_balance(patch: Patch) -> None:
    put = Book._put

    def at_once(self, account, lot, amount, at):
        lot.available_at = min(lot.available_at, at)
        put(self, account, lot, amount, at)

    patch.setattr(Book, "_put", at_once)


@bug("REF-08", "STAMP-05")
def negative_lots(patch: Patch) -> None:
    """The first lot gives everything, whatever it has."""

    def all_of_it(self, entry, order, amount):
        for lot in order:
            self._take(entry, lot, amount)
            return 0
        return amount

    patch.setattr(Book, "_take_from", all_of_it)


@bug("REF-08", "M-MRG-01")
def debt_is_not_repaid_first(patch: Patch) -> None:
    put = Book._put

    def beside(self, account, lot, amount, at):
        debt, account.debt = account.debt, 0
        put(self, account, lot, amount, at)
        account.debt = debt

    patch.setattr(Book, "_put", beside)


@bug("REF-08", "ADJ-04", "STAMP-05")
def debt_is_forgotten(patch: Patch) -> None:
    take_from = Book._take_from

    def forgiving(self, entry, order, amount):
        take_from(self, entry, order, amount)
        return 0

    patch.setattr(Book, "_take_from", forgiving)


@bug("EXP-05", "RED-05")
def a_lot_that_is_never_less(patch: Patch) -> None:
    """Allocations say what was taken, lots do not."""
    take = Book._take

    def in_words(self, entry, lot, amount):
        take(self, entry, lot, amount)
        lot.remaining += amount

    patch.setattr(book.Book, "_take", in_words)
