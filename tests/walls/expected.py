"""Which probes a planted hole turns red, in which set-ups. What is not named here stays green.

Row security and the compiler are two walls: with one of them gone the other holds, and what is red
is what only the missing one says. Raw SQL leaks without row security; without the compiler nothing
leaks, but the ORM makes statements for nobody, and an upsert is refused (`a_command`).
"""

from __future__ import annotations

EVERYWHERE = frozenset({"one a request", "persistent", "pool", "pgbouncer"})
LENT = frozenset({"pgbouncer"})  # a transaction at a time
KEPT = EVERYWHERE - LENT

BY_SQL = (
    "every_road_in_a_transaction",
    "every_road_in_autocommit",
    "nobody_after_somebody",
    "after_a_rollback",
    "after_a_savepoint",
    "after_an_error",
    "what_runs_after_the_commit",
    "a_connection_killed_in_the_middle",
    "threads_of_two_shops",
    "tasks_on_one_loop",
    "pages",
    "async_pages",
    "async_pages_below_the_whole_portal",
    "streams_in_turns",
    "async_streams_in_turns",
    "async_streams_below_the_whole_portal",
    "a_generator_read_elsewhere",
    "iterators_half_read",
    "named_cursors_half_read",
    "jobs_of_two_shops",
    "the_platform_and_back",
)
BY_NOBODY = (
    "statements_name_the_tenant",
    "nobody_after_somebody",
    "a_thread_begins_as_nobody",
    "streams_in_turns",
    "a_generator_read_elsewhere",
    "jobs_of_two_shops",
    "a_command",
)
BY_STREAM = (
    "streams_in_turns",
    "async_streams_in_turns",
    "async_streams_below_the_whole_portal",
    "a_generator_read_elsewhere",
)
BY_MEMORY = (
    "every_road_in_a_transaction",
    "nobody_after_somebody",
    "after_a_rollback",
    "after_a_savepoint",
    "after_an_error",
    "streams_in_turns",
    "a_generator_read_elsewhere",
    "the_platform_and_back",
)

# mutation → probe → set-ups
RED: dict[str, dict[str, frozenset[str]]] = {
    "no row security": dict.fromkeys(BY_SQL, EVERYWHERE),
    "stock compiler": dict.fromkeys(BY_NOBODY, EVERYWHERE),
    "neither": dict.fromkeys(BY_SQL + BY_NOBODY, EVERYWHERE),
    "leaky generators": dict.fromkeys(BY_STREAM, EVERYWHERE),
    "unbound hooks": {"what_runs_after_the_commit": EVERYWHERE},
    "unasked cursors": {"named_cursors_half_read": EVERYWHERE, "iterators_half_read": KEPT},
    "held cursors": {"a_cursor_held_by_another_client": LENT},
    "unsaid nobody": {"nobody_after_somebody": EVERYWHERE},
    "no way back": {"the_platform_and_back": EVERYWHERE},
    "keys without a shop": {"keys_of_the_cache": EVERYWHERE},
    "remembered": {**dict.fromkeys(BY_MEMORY, EVERYWHERE), "threads_of_two_shops": LENT},
}

# What was SET for somebody is still there for whoever comes next, and who that is is chance.
BY_CHANCE = {
    "remembered": {
        "every_road_in_autocommit",
        "pages",
        "async_pages",
        "async_pages_below_the_whole_portal",
        "async_streams_in_turns",
        "async_streams_below_the_whole_portal",
        "tasks_on_one_loop",
        "what_runs_after_the_commit",
        "a_connection_killed_in_the_middle",
        "iterators_half_read",
        "named_cursors_half_read",
        "a_cursor_held_by_another_client",
        "a_command",
        "jobs_of_two_shops",
    }
}


def red(mutation: str, setup: str) -> set[str]:
    """The probes, of either login, that this mutation turns red in this set-up."""
    return {probe for probe, setups in RED[mutation].items() if setup in setups}
