"""Sales come back, whole or in part, and take with them what they gave: no more and no less."""
