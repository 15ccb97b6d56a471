"""The walls between shops, in every set-up of connections and by every way through it.

`test_models` sweeps every model in this process and plants holes. `test_connections` runs a process
for each of `setups`, logged in as the real portal_app and portal_worker: it goes through `probes`,
then plants each of `mutations` and goes through them again. `expected` says what must turn red.
"""
