"""A Python that is too old is told in one line, in words that it can read."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosting.test_deploy import copy, local  # noqa: F401 # fixtures
from tests.support.deployer import Deployer
from tests.support.server import ROOT

# What a Python reads before it has been told: the entry points, and what they import until then.
ENTRIES = [
    "app.py",
    "passenger_wsgi.py",
    "launcher.py",
    "party/__init__.py",
    "party/__main__.py",
    "deploy/__init__.py",
    "deploy/__main__.py",
    "deploy/party.py",
]
# Runs what follows its own name as an older Python would, which has no packages either.
PRETEND = """
import sys, runpy
version, kind, name, *sys.argv[1:] = sys.argv[1:]
sys.version_info = (*map(int, version.split(".")), "final", 0)
sys.path.insert(0, ".")
if kind == "module":
    runpy.run_module(name, run_name="__main__", alter_sys=True)
else:
    runpy.run_path(name, run_name="__main__" if kind == "script" else "passenger_wsgi")
"""
VERSIONS = ["3.6.15", "3.7.17", "3.8.18", "3.9.18"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_python_3_6_can_read_every_entry_point(entry: str) -> None:
    ast.parse((ROOT / entry).read_text(), feature_version=(3, 6))


def run(version: str, kind: str, name: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Start something with this version, and without any packages."""
    command = [sys.executable, "-S", "-c", PRETEND, version, kind, name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "name", "who"),
    [
        ("server", "app.py", "party"),
        ("server", "passenger_wsgi.py", "party"),
        ("script", "launcher.py", "party"),
        ("module", "party", "party"),
        ("module", "deploy", "deploy"),
    ],
)
def test_a_python_that_is_too_old_is_told_in_one_line(version: str, kind: str, name: str, who: str) -> None:
    done = run(version, kind, name, ROOT)
    assert done.returncode == 1
    assert done.stderr == f"{who}: Python 3.10 or newer is needed; this is {version}, {sys.executable}\n"


@pytest.mark.parametrize("name", ["passenger_wsgi.py", "party.py"])
def test_where_it_was_deployed_to_as_well(local: Deployer, name: str) -> None:  # noqa: F811
    local()
    done = run("3.9.2", "script", name, local.root)
    assert done.returncode == 1
    assert re.fullmatch("party: Python 3.10 or newer is needed; this is 3.9.2, .*\n", done.stderr)
