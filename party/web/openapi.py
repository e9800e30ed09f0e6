"""The OpenAPI 3.1 document, made from what the views were declared with (`@call`)."""

import re
from typing import Any, get_args

from flask import Flask
from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic.json_schema import GenerateJsonSchema
from werkzeug.routing import Rule

from party import errors
from party.errors import ApiError
from party.features import features
from party.version import VERSION
from party.web.body import ENCODED_BODY, ENCODED_BODY_HEADER
from party.web.calls import Call, File, Parameter, Upload
from party.web.models import CODE_ALPHABET, CODE_LENGTH

REFERENCES = "#/components/schemas/{model}"
# What any call may answer besides what it is declared with.
ALWAYS = (errors.Internal, errors.RateLimited, errors.Unavailable)
WITH_BODY = (errors.ValidationError, errors.BadJson, errors.TooLarge, errors.JsonRequired)
WITH_TOKEN = (errors.TokenRequired, errors.TokenInvalid, errors.NotAMember)

# How a call is told that its body is base64url.
ENCODED = Parameter(
    ENCODED_BODY_HEADER,
    "header",
    {"const": ENCODED_BODY},
    "says of a body in text/plain (or, as firewalls let that pass, application/x-www-form-urlencoded) "
    "that it is the JSON as base64url; where the setting ENCODED_BODIES is off, it is 415",
)

_TEXT = {"type": "string"}
_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "code": {"type": "string", "description": f"{CODE_LENGTH} of {CODE_ALPHABET}, in any case"},
    "participant_id": {"type": "string", "description": "the token's own participant"},
}


def document(app: Flask) -> dict[str, Any]:
    """The document of this app."""
    calls = [
        (rule, view.call)
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
        if (view := app.view_functions[rule.endpoint]) and hasattr(view, "call")
    ]
    schemas = _Schemas(calls)
    paths: dict[str, dict[str, Any]] = {}
    for rule, call in calls:
        path = re.sub(r"<([a-z_]+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(rule, method, call, schemas)
    paths["/metrics"] = {"get": _bare("Prometheus metrics", "text/plain", WITH_TOKEN[:2])}
    paths["/openapi.json"] = {"get": _bare("This document", "application/json", ())}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Party",
            "version": VERSION,
            "description": "WebRTC signaling by plain HTTP polling.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas:
    """The JSON schemas of all bodies and answers, generated together so that they share names."""

    def __init__(self, calls: list[tuple[Rule, Call]]) -> None:
        bodies = [("validation", call.body) for _, call in calls if call.body is not None]
        answers = [
            ("serialization", type_)
            for _, call in calls
            for answer in call.answers.values()
            if (type_ := answer.beside if isinstance(answer, File) else answer) is not None
        ]
        adapters = {(mode, str(type_)): TypeAdapter(type_) for mode, type_ in [*bodies, *answers]}
        found, definitions = TypeAdapter.json_schemas(
            [(key, key[0], adapter) for key, adapter in adapters.items()],  # type: ignore[misc]
            ref_template=REFERENCES,
            schema_generator=GenerateJsonSchema,
        )
        self._schemas = {key: schema for (key, _), schema in found.items()}
        self.components: dict[str, Any] = definitions.get("$defs", {})

    def of(self, mode: str, type_: Any) -> dict[str, Any]:
        return self._schemas[(mode, str(type_))]


def _operation(rule: Rule, method: str, call: Call, schemas: _Schemas) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, _TEXT)}
        for name in sorted(rule.arguments)
    ]
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": call.summary,
        "parameters": parameters + [_parameter(parameter) for parameter in call.parameters],
        "responses": {
            **{
                str(status): _file(schemas, answer)
                if isinstance(answer, File)
                else _success(schemas.of("serialization", answer))
                for status, answer in call.answers.items()
            },
            **_failures(_errors(method, call)),
        },
    }
    if call.encloses and method == "GET" and (enclosure := features().enclosure):
        enclosed = Parameter(enclosure.header, "header", {"type": "string"}, enclosure.what)
        operation["parameters"].append(_parameter(enclosed))
    if call.body is not None:
        schema = schemas.of("validation", call.body)
        content = {"application/json": {"schema": schema}, "text/plain": {"schema": _encoded(schema)}}
        operation["requestBody"] = {"required": _is_needed(call.body), "content": content}
        operation["parameters"].append(_parameter(ENCODED))
    if call.upload is not None:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": _form(call.upload)}}
    if call.access != "anyone":
        operation["security"] = [{"token": []}, *([{}] if call.access == "anyone or member" else [])]
    return operation


def _file(schemas: _Schemas, file: File) -> dict[str, Any]:
    content: dict[str, Any] = {type: {"schema": {}} for type in file.types}
    if file.beside is not None:
        content |= _success(schemas.of("serialization", file.beside))["content"]
    return {"description": "Success", "content": content}


def _form(upload: Upload) -> dict[str, Any]:
    properties = {upload.field: {"type": "string", "contentMediaType": "application/octet-stream"}}
    return {"schema": {"type": "object", "properties": properties, "required": [upload.field]}}


def _encoded(schema: dict[str, Any]) -> dict[str, Any]:
    """The same JSON as base64url."""
    return {
        "type": "string",
        "contentEncoding": "base64url",
        "contentMediaType": "application/json",
        "contentSchema": schema,
    }


def _is_needed(body: Any) -> bool:
    """Whether a call must have this body: one without required fields may be left out."""
    try:
        TypeAdapter(body).validate_python({})
    except PydanticError:
        return True
    return False


def _bare(summary: str, content_type: str, refusals: tuple[type[ApiError], ...]) -> dict[str, Any]:
    """A call whose answer is a document of its own, outside the envelope."""
    success = {"description": "Success", "content": {content_type: {"schema": {}}}}
    return {"summary": summary, "responses": {"200": success, **_failures([*refusals, *ALWAYS])}}


def _errors(method: str, call: Call) -> list[type[ApiError]]:
    found = [*call.errors, *ALWAYS]
    if method == "POST":
        found += WITH_BODY
    if call.parameters:
        found.append(errors.ValidationError)
    if call.access != "anyone":
        found += WITH_TOKEN
    if call.access not in ("anyone", "even refused", "even waiting"):
        found.append(errors.NotApproved)
    if call.access == "host":
        found.append(errors.HostOnly)
    if call.access == "player":
        found.append(errors.PlayersOnly)
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": False,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _success(schema: dict[str, Any]) -> dict[str, Any]:
    return _response("Success", {"success": {"const": True}, "data": schema})


def _failures(kinds: list[type[ApiError]]) -> dict[str, Any]:
    """One response for each status, with the codes that it may carry."""
    codes: dict[int, set[str]] = {}
    for kind in kinds:
        codes.setdefault(kind.status, set()).add(kind.code)
    return {
        str(status): _response(
            ", ".join(sorted(names)), {"success": {"const": False}, "error": _error(status, names)}
        )
        for status, names in sorted(codes.items())
    }


def _error(status: int, codes: set[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": {"enum": sorted(codes)}, "message": {"type": "string"}}
    if status == errors.ValidationError.status:
        properties["field"] = {"type": "string"}
    required = ["code", "message"]
    if status in (errors.RateLimited.status, errors.Unavailable.status):
        properties["retryAfter"] = {"type": "integer", "minimum": 1}
        required.append("retryAfter")
    if errors.TokenInvalid.code in codes:
        properties["reason"] = {"enum": list(get_args(errors.Reason))}
    if status == errors.Internal.status:
        properties["requestId"] = {"type": "string"}
        required.append("requestId")
    return {"type": "object", "properties": properties, "required": required}


def _response(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": sorted(properties)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
