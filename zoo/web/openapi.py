"""The interface over HTTP as an OpenAPI document, made from the operations and the structs that check their bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from zoo.web import requests
from zoo.web.requests import RAW

_PICTURES = "Pictures: one PNG, of several a sheet; as JSON a PNG for each; raw uint8 with their shape in x-shape."
_LATENTS = "Latents: nested lists, or raw float32 in little-endian order with their shape in x-shape."


@dataclass(frozen=True)
class Operation:
    """One operation: method, path, the endpoint's name, what it does, what it takes and gives."""

    method: str
    path: str
    name: str
    summary: str
    body: type[msgspec.Struct] | None = None
    raw: str = ""
    query: tuple[tuple[str, str], ...] = ()
    gives: str = "JSON"

    def described(self) -> dict[str, Any]:
        """The operation as OpenAPI has it."""
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "query", "schema": {"type": kind}} for name, kind in self.query
        ]
        if "{model}" in self.path:
            model: dict[str, Any] = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
            parameters.insert(0, {**model, "description": "A model, family or task."})
        error = {"description": "What is wrong, in one line.", "content": {"application/json": {"schema": _ERROR}}}
        found: dict[str, Any] = {
            "operationId": self.name,
            "summary": self.summary,
            "parameters": parameters,
            "responses": {"200": {"description": self.gives, "content": _content(self.gives)}, "default": error},
        }
        content = {self.raw: {"schema": {"type": "string", "format": "binary"}}} if self.raw else {}
        if self.body:
            content["application/json"] = {"schema": {"$ref": f"#/components/schemas/{self.body.__name__}"}}
        return {**found, "requestBody": {"required": True, "content": content}} if content else found


_TOLD = (("set", "string"),)
_DENOISED = (*_TOLD, ("steps", "integer"))
_SHAPED = (*_DENOISED, ("shape", "string"))
_RUN = (*_TOLD, ("strength", "number"), ("candidate", "integer"), ("from_photo", "boolean"), ("format", "string"))
OPERATIONS = (
    Operation("GET", "/models", "models", "All models."),
    Operation("GET", "/models/{model}", "model", "One model: its interface, figures and card."),
    Operation("GET", "/models/{model}/picture", "picture", "The picture of a model's card.", gives="Pictures"),
    Operation("GET", "/models/{model}/sample", "sample", "A picture to try a model with.", gives="Pictures"),
    Operation("GET", "/models/{model}/space", "space", "Directions to move along in the latent space."),
    Operation("GET", "/models/{model}/points", "points", "Places on the map of the latent space."),
    Operation("POST", "/run/{model}", "run", "Do a model's job.", requests.Run, "image/*", _RUN, _PICTURES),
    Operation("POST", "/encode/{model}", "encode", "A picture's latent.", requests.Run, "image/*", _TOLD, _LATENTS),
    Operation("POST", "/decode/{model}", "decode", "Pictures of latents.", requests.Decode, RAW, _SHAPED, _PICTURES),
    Operation("POST", "/draw/{model}", "draw", "Latents drawn from the prior.", requests.Draw, gives=_LATENTS),
    Operation("POST", "/generate/{model}", "generate", "New pictures.", requests.Draw, "", _DENOISED, _PICTURES),
    Operation(
        "POST",
        "/interpolate/{model}",
        "interpolate",
        "From one to another.",
        requests.Interpolate,
        "",
        _TOLD,
        _PICTURES,
    ),
    Operation("POST", "/vary/{model}", "vary", "Pictures like one.", requests.Vary, "", _TOLD, _PICTURES),
    Operation("POST", "/add/{model}", "add", "The sum of two.", requests.Add, "", _TOLD, _PICTURES),
)
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def document() -> dict[str, Any]:
    """The OpenAPI document of the server."""
    from zoo import __version__

    bodies = {operation.body for operation in OPERATIONS if operation.body}
    _, schemas = msgspec.json.schema_components(
        sorted(bodies, key=lambda body: body.__name__), ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = operation.described()
    return {
        "openapi": "3.1.0",
        "info": {"title": "latent-zoo", "version": __version__, "summary": "Models of the zoo over HTTP."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(gives: str) -> dict[str, Any]:
    kinds = {"JSON": ["application/json"], "Pictures": ["image/png", "image/jpeg"]}
    usual = ["image/png", "application/json", RAW] if gives == _PICTURES else ["application/json", RAW]
    return {kind: {} for kind in kinds.get(gives, usual)}
