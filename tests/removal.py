"""Runs the suite in a copy of the project from which one optional feature has been removed.

    python -m tests.removal quiz [what pytest takes]
    python -m tests.removal          names the features

A feature is a folder of the same name in `party/` and `tests/`, a line in `create_app`, a migration where it
has tables, and in the browser a file of the same name and the lines that import it. Nothing else may know it,
but for tests that say so: `@pytest.mark.needs("quiz")`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.server import ROOT

FEATURES = (
    "quiz",
    "messages",
    "state",
    "images",
    "ice",
    "reports",
    "history",
    "php_paths",
    "page",
    "admin",
    "play",
)
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "node_modules", "instance", "results.json"
)


def remove(project: Path, feature: str) -> None:
    """Take a feature out of a copy of the project."""
    shutil.rmtree(project / "party" / feature)
    shutil.rmtree(project / "tests" / feature)
    for migration in (project / "migrations").glob(f"[0-9]*_{feature}.sql"):
        migration.unlink()
    contents = project / "party" / "__init__.py"
    lines = contents.read_text().splitlines(keepends=True)
    kept = [line for line in lines if f'"party.{feature}"' not in line]
    assert len(kept) == len(lines) - 1
    contents.write_text("".join(kept))
    browser = project / "party" / "static" / "client"
    if (browser / f"{feature}.js").exists():
        (browser / f"{feature}.js").unlink()
        for path in browser.glob("*.js"):
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if f'"./{feature}.js"' not in line))
    # It would begin all over again.
    (project / "tests" / "test_removal.py").unlink()


def run(feature: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What pytest says of a project without this feature."""
    with tempfile.TemporaryDirectory(prefix=f"party-without-{feature}-") as folder:
        project = Path(folder) / "party"
        shutil.copytree(ROOT, project, ignore=LEFT_BEHIND)
        remove(project, feature)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(
            command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.stdout.write("\n".join(FEATURES))
        sys.exit()
    done = run(*sys.argv[1:])
    sys.stdout.write(done.stdout)
    sys.exit(done.returncode)
