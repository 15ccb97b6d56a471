"""Points become rewards, and rewards become points again."""
