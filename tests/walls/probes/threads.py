"""Threads of two shops, more than there are connections."""

from __future__ import annotations

import threading

from django.db import connection

from tenants.context import OutsideTenant, inside
from tenants.models import Location, Tenant
from tests.walls.looking import APP, Pair, look, probe

THREADS, ROUNDS = 8, 8


@probe(APP)
def threads_of_two_shops(pair: Pair) -> list[str]:
    faults: list[str] = []
    meeting = threading.Barrier(THREADS)

    def work(tenant: Tenant) -> None:
        try:
            with inside(tenant):
                meeting.wait(20)
                for _ in range(ROUNDS):
                    faults.extend(look(tenant.pk))
                    if pair.setup == "pool":
                        connection.close()  # as the end of a request does: back to the pool
        except Exception as error:  # noqa: BLE001 (told, whatever it is)
            faults.append(f"a thread ended: {error!r}")
        finally:
            connection.close()

    _run([threading.Thread(target=work, args=(pair.both[n % 2],)) for n in range(THREADS)])
    return faults


@probe(APP)
def a_thread_begins_as_nobody(pair: Pair) -> list[str]:
    seen: list[str] = []

    def work() -> None:
        try:
            seen.append(f"a new thread saw {Location.objects.count()} rows")
        except OutsideTenant:
            pass
        except Exception as error:  # noqa: BLE001 (told, whatever it is)
            seen.append(f"a new thread asked PostgreSQL: {error!r}")
        finally:
            connection.close()

    with inside(pair.anna):
        _run([threading.Thread(target=work)])
    return seen


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
