"""A command that works in one shop: `import_sales`, in a process of its own or, with a hole
planted in this one, here.
"""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

from django.core.management import call_command

from loyalty.models import Identifier, Member, Purchase
from tenants.context import inside
from tests.walls.looking import APP, Pair, probe

_count = itertools.count(1)


@probe(APP)
def a_command(pair: Pair) -> list[str]:
    """Both shops have a customer with the same card: the sale is that shop's."""
    card = f"c{next(_count)}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{card}.csv"
        file.write_text(f"customer,date,amount,receipt\n{card},2026-03-02,24.50,{card}\n")
        for tenant in pair.both:
            _import(tenant.slug, file, here=bool(pair.planted))
    faults = []
    for tenant in pair.both:
        with inside(tenant):
            known = Identifier.objects.filter(value=card).values("member")
            sales = Purchase.objects.filter(account__member__in=known)
            if (found := sales.count()) != 1:
                faults.append(f"{tenant.slug} has {found} sales of its customer")
            if Member.objects.exclude(tenant=tenant).exists():
                faults.append(f"{tenant.slug} sees another's member")
    return faults


def _import(slug: str, file: Path, *, here: bool) -> None:
    arguments = ["import_sales", "--shop", slug, str(file)]
    if here:
        call_command(*arguments, stdout=io.StringIO())
        return
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-500:])
