"""Races between processes: each is a portal of its own, logged in as the application, and begins at
the same moment as the others.

A crew of hands (`crew`, `hand`) is started once for all races. A race is a list of calls of verbs,
one for each hand, on committed rows; what came of them is told in their order. A refusal is an
outcome, everything else that is raised fails the race. After every round the books are exact
(`exact`).
"""
