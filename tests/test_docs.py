"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = re.compile(
    r"""(?:environ(?:\.get|\.pop|\.setdefault)?[\[(]|env\.(?:text|words|number|flag)\(|\b(?:text|number|flag)\()\s*"([A-Z][A-Z_]{3,})\""""
)
MACHINES = {"DJANGO_SETTINGS_MODULE", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTEST_XDIST_WORKER"}


def sources():
    return [*(ROOT / "portal").glob("*.py"), ROOT / "manage.py"]


def test_operations_lists_every_variable_that_is_read():
    read = {name for path in sources() for name in VARIABLE.findall(path.read_text())}
    assert {"PORTAL_DOMAIN", "SECRET_KEY", "DATABASE_POOL"} <= read
    told = set(re.findall(r"`([A-Z][A-Z_]{3,})`", (ROOT / "docs/operations.md").read_text()))
    assert read - MACHINES - told == set()


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_glossary_has_no_term_twice():
    terms = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert len(terms) == len(set(terms)) > 30
