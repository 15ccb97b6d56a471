"""Rules of the code that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

import pytest

from portal.home import ROOT

FLOORS = ("tenants", "loyalty", "portal")
SOURCES = [
    path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
    if "migrations" not in path.parts
]
SCOPES = {"inside", "platform", "enter", "owner"}


def named(path) -> str:
    return str(path.relative_to(ROOT))


def called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def functions(tree: ast.AST):
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_generator_leaks_its_scope_into_whoever_reads_it(path):
    """A `yield` inside `with inside(…)` runs the reader in that tenant; use context.bound()."""
    for function in functions(ast.parse(path.read_text())):
        if any("contextmanager" in called(d) for d in function.decorator_list):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.With) and any(
                called(i.context_expr) in SCOPES for i in node.items
            ):
                yields = [n for n in ast.walk(node) if isinstance(n, ast.Yield | ast.YieldFrom)]
                assert not yields, f"{function.name} yields at line {yields[0].lineno}"


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.parts[-2] != "commands" and "loyalty" in p.parts], ids=named
)
def test_the_business_has_no_clock(path):
    clock = re.compile(r"timezone\.now|datetime\.now|utcnow|date\.today|time\.time\(|\bNow\(")
    assert not clock.search(path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_sql_never_sets_the_tenant_by_a_function(path):
    """set_config() can switch tenants within one SELECT, and managed servers may not revoke it."""
    tree = ast.parse(path.read_text())
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    about_it = ("roles.py", "roads.py", "database_checks.py")  # which close it, or try it
    if path.name not in about_it:
        said = [n.value for n in texts if "set_config(" in n.value and not n.value.startswith("\n")]
        docs = [ast.get_docstring(n, clean=False) for n in ast.walk(tree) if _has_docstring(n)]
        assert [text for text in said if text not in docs] == []


def _has_docstring(node: ast.AST) -> bool:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, kinds)


def test_whoever_writes_knows_what_is_kept():
    """A worker that knew of no Kept would not tell that its tables were written."""
    kept = {
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and called(node) == "Kept"
    }
    assert {"tenants.shops", "loyalty.overview"} <= kept
    code = "import django, sys; django.setup(); print(*sys.modules, sep='\\n')"
    bare = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, env=bare, stdout=subprocess.PIPE, check=True)
    assert kept - set(run.stdout.decode().split()) == set()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_bare_cursors_are_made_by_the_backend_alone(path):
    """One on the raw connection would carry no tenant."""
    if path.parts[-2] != "backend":
        assert "ClientCursor(" not in path.read_text()
