"""Whether the service can do its work."""

from typing import Any, Literal

from flask import Blueprint
from pydantic import Field

from party.db import database
from party.db.readiness import problem
from party.errors import Unavailable
from party.version import VERSION
from party.web.calls import call
from party.web.models import Answer

blueprint = Blueprint("health", __name__)


class Health(Answer):
    status: Literal["ok"]
    version: str
    database: Literal["ok"]
    # Under its own name it would hide a method of pydantic's.
    schema_: Literal["current"] = Field(alias="schema")


@blueprint.get("/health")
@call("Whether the service can do its work", answers={200: Health})
def health() -> dict[str, Any]:
    """503 says in one word what is wrong."""
    if wrong := problem(database()):
        raise Unavailable(wrong)
    return {"status": "ok", "version": VERSION, "database": "ok", "schema": "current"}
