"""What is kept of a shop names every table that it is read from."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import overview
from tenants import shops
from tenants.backend.compiler import owned_tables
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("kept", "read"),
    [(overview.HOME, lambda: overview.overview(NOW)), (shops.FRONT, shops.front)],
    ids=["home", "front"],
)
def test_it_ends_with_a_write_to_any_table_that_it_reads(in_cafe, kept, read):
    with CaptureQueriesContext(connection) as captured:
        read()
    statements = " ".join(query["sql"] for query in captured)
    tables = set(re.findall(r'(?:FROM|JOIN) "(\w+)"', statements))
    assert tables & owned_tables().keys() == kept.tables
