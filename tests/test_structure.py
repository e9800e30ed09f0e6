"""How the code is laid out: who imports whom, how long functions are, what queries read."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import ROOT

LONGEST_FUNCTION = 60
# `COUNT(*)` is none, nor is a product.
EVERYTHING = re.compile(r"\bSELECT\s+(DISTINCT\s+)?(\w+\.)?\*|,\s*\w+\.\*\s*(,|FROM|$)", re.IGNORECASE)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "party").rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def test_imports_run_one_way_and_no_package_is_part_of_a_cycle() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_function_is_longer_than_a_page() -> None:
    functions = [
        (f"{name}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for name, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 500
    assert [(name, lines) for name, lines in functions if lines > LONGEST_FUNCTION] == []


def test_queries_name_the_columns_that_they_read() -> None:
    assert EVERYTHING.search("SELECT  * FROM x")
    assert EVERYTHING.search("SELECT p.*, r.code")
    assert EVERYTHING.search("SELECT r.code, p.*\nFROM x")
    assert not EVERYTHING.search("SELECT COUNT(*) AS n FROM x")
    texts = [
        (name, node.value)
        for name, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert sum("SELECT" in text for _, text in texts) > 30
    assert [(name, text) for name, text in texts if EVERYTHING.search(text)] == []
