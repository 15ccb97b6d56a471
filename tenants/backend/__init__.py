"""The database backend that enforces the tenants: ENGINE = "tenants.backend".

`compiler` names the tenant in every statement, `base` sends it to PostgreSQL in the same message,
`schema` makes keys, indexes and row-level security from the presence of a TenantField. Nothing
here is left to a developer's memory.
"""
