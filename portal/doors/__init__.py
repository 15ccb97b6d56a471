"""The way in for owner and managers, on the shop's own host, and what a person keeps about it.

Only what stands in `urls` exists of allauth: no sign-up, no password, no social login.
"""
