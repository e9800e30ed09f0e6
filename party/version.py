"""The release, as `/health` and the OpenAPI document report it."""

from party.config import CODE, DEPLOYED

NUMBER = "0.2.0"
# A deployed release is named after its number and its content: two of the same number are told apart.
VERSION = CODE.name if DEPLOYED else NUMBER
