"""The words of the pages at `/play`: every language has each of them, and each is used."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import needs
from tests.support.server import ROOT

PLAY = ROOT / "party/static/play"
LANGUAGES = sorted(path.stem for path in (PLAY / "texts").glob("*.js"))


def texts(language: str) -> dict[str, str]:
    """All texts of a language, by their keys."""
    path = PLAY / "texts" / f"{language}.js"
    script = f"import({json.dumps(str(path))}).then((found) => console.log(JSON.stringify(found.default)))"
    done = subprocess.run([needs("node", "nodejs"), "-e", script], check=True, stdout=subprocess.PIPE)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def blanks(text: str) -> list[str]:
    """What is filled into a text."""
    return sorted(re.findall(r"\{\w+\}", text))


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    """The texts that all others translate."""
    return texts("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_text_or_what_is_filled_in(language: str, english: dict[str, str]) -> None:
    found = texts(language)
    assert found.keys() == english.keys()
    assert {key: blanks(text) for key, text in found.items()} == {
        key: blanks(text) for key, text in english.items()
    }
    assert all(text.strip() for text in found.values())


def test_every_text_is_used_and_every_text_that_is_used_is_there(english: dict[str, str]) -> None:
    code = "\n".join(path.read_text() for path in PLAY.glob("*.js"))
    problems = re.search(r"PROBLEMS = \[(.*?)\]", code, re.DOTALL)
    assert problems
    used = {f"problem.{name}" for name in re.findall(r'"(\w+)"', problems[1])}
    used |= set(re.findall(r'"([a-z]+(?:\.\w+)?)"', code)) & english.keys()
    # What stands in a call of `t` is a key, whatever it looks like.
    called = set(re.findall(r'\bt\("([^"]+)"', code))
    assert called <= english.keys()
    assert used == english.keys()


def test_the_languages_are_those_that_can_be_chosen() -> None:
    listed = Path(PLAY / "texts.js").read_text().partition("LANGUAGES = {")[2].partition("}")[0]
    assert sorted(re.findall(r"(\w+):", listed)) == LANGUAGES
