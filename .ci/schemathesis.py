"""Gives each generated request the token of somebody who may use the operation, by the scopes that the document names.

Loaded by schemathesis, as SCHEMATHESIS_HOOKS says. The tokens are those that `make run` prints.
"""

import os

import schemathesis

TOKENS = {
    "arngate/connect": os.environ["ARNGATE_TOKEN"],
    "arngate/admin": os.environ["ARNGATE_ADMIN_TOKEN"],
    "arngate/audit": os.environ["ARNGATE_AUDIT_TOKEN"],
}


@schemathesis.auth(refresh_interval=None)
class TokenOfScope:
    def get(self, case, context):
        scopes = context.operation.definition.raw.get("x-scopes") or ["arngate/connect"]
        return TOKENS[scopes[0]]

    def set(self, case, data, context):
        case.headers["Authorization"] = "Bearer " + data
