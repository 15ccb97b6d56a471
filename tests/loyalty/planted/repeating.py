"""The same command again, under its key or its receipt."""

from __future__ import annotations

from django.db import transaction

from loyalty import operations
from loyalty.book import Book
from loyalty.models import Operation
from loyalty.sales import Known
from tests.loyalty.planted.checks import a_crash_after_the_commit_counts_once
from tests.loyalty.planted.planting import Patch, bug


@bug(a_crash_after_the_commit_counts_once)
def key_stored_after_the_commit(patch: Patch) -> None:
    keep = Book.keep

    def keep_later(self, *rows):
        for row in rows:
            if isinstance(row, Operation):
                transaction.on_commit(row.save)
            else:
                keep(self, row)

    patch.setattr(Book, "keep", keep_later)


@bug("REF-09", "IDEM-05", "M-VOU-03")
def keys_are_not_looked_up(patch: Patch) -> None:
    patch.setattr(operations, "find", lambda by, key, print_: None)


@bug("IDEM-02")
def one_key_for_any_body(patch: Patch) -> None:
    patch.setattr(operations, "fingerprint", lambda verb, *arguments: verb)


@bug("IDEM-05")
def a_refusal_is_forgotten(patch: Patch) -> None:
    patch.setattr(operations, "remember", lambda *args, **told: None)


@bug("IDEM-03", "IDEM-04")
def receipts_are_not_looked_up(patch: Patch) -> None:
    init = Known.__init__

    def blind(self, *args):
        init(self, *args)
        self.receipts = {}

    patch.setattr(Known, "__init__", blind)
