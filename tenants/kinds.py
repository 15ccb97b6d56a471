"""The kinds of tables, told apart by plain classes among a model's bases.

Plain classes, not abstract models, because those survive in the `bases` of a migration: the schema
editor, which sees only historical models, grants by them.
"""

from __future__ import annotations


class Reference:
    """A small table that all tenants read and hardly anybody writes (currencies, countries, the
    list of tenants).

    On Citus it is copied to every node. The application's role may only read it.
    """


class AppendOnly:
    """Rows are written once. The application's role gets neither UPDATE nor DELETE on the table."""


class Kept:
    """Rows are retired, not deleted (see models.SoftDelete). The application's role gets no DELETE
    on the table.
    """


def privileges(model: type) -> str:
    """What the application's role may do with the table of `model`, as the list of a GRANT.

    An AppendOnly Reference (Tenant, Domain) may be added to: that is how a shop opens itself.
    """
    if issubclass(model, AppendOnly):
        return "SELECT, INSERT"
    if issubclass(model, Reference):
        return "SELECT"
    if issubclass(model, Kept):
        return "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT, UPDATE, DELETE"
