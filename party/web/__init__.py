"""What every call shares: how it is declared, tokens, limits, headers, the OpenAPI document."""
