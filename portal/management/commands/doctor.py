"""manage.py doctor: every setting with its value and meaning, and whatever must not serve so."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.doctor import Finding, Variable, findings, variables

WIDTH = 100


class Command(BaseCommand):
    """Starts no server and changes nothing; exit status 1 if something is dangerous."""

    help = "Explain every setting, and refuse the dangerous ones (exit status 1)."
    requires_system_checks: list[str] = []  # it makes them itself, and goes on

    def handle(self, *args: Any, **options: Any) -> None:
        for variable in variables():
            self._tell(variable)
        found = list(findings())
        self.stdout.write("")
        for finding in found:
            self._say(finding)
        refused = sum(finding.weight == "refused" for finding in found)
        if refused:
            raise CommandError(f"Not fit to serve: {refused} to mend.")
        self.stdout.write(self.style.SUCCESS("Nothing dangerous was found."))

    def _tell(self, variable: Variable) -> None:
        self.stdout.write(f"{variable.name} = {variable.value}   ({variable.source})")
        self.stdout.write(_indented(variable.meaning))

    def _say(self, finding: Finding) -> None:
        styles = {"refused": self.style.ERROR, "warning": self.style.WARNING}
        label = f"{finding.weight:8}"
        text = fill(finding.said, WIDTH, subsequent_indent=" " * 9, initial_indent=" " * 9)
        self.stdout.write(styles.get(finding.weight, str)(label) + text[8:])


def _indented(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
