"""The release, as `/health` and the OpenAPI document report it."""

VERSION = "0.1.0"
