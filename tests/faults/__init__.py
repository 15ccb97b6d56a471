"""Faults on purpose: a real portal is killed, frozen, filled and starved while it sells.

stage starts it, clients sell, faults hit it, a reader watches the books, the checker compares them
with what the clients wrote down before they sent it. planted holds the bugs that must be found.
"""
