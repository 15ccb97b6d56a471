"""Two cards of one person become one, exactly, whatever hung on them; and two again."""
