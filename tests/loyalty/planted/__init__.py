"""Bugs that the tests of the engine must catch: each breaks one promise of loyalty/, alone.

A suite without planted bugs proves nothing: it may be looking the other way. Each bug names what
must turn red: ids of scenarios (tests/scenarios, and scenarios.yaml here), or direct checks
(`checks`). In `test --thorough` they are planted one by one and a table says what caught which; in
every run it is asked whether the spots they are planted in are still there.

The bugs by subject: `earning`, `spending`, `returning`, `repeating`, `racing`, `claiming`,
`people`.
"""
