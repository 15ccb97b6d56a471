"""What the API does: the same verbs as the till, in another dress."""
