"""What must be so in the books, each as one statement that finds where it is not (loyalty.books).

A statement gives one row a fault: `member` (the code of a card, or ""), `account` (its id, or
None), `amount` (by how many points, minor units or pieces it is wrong), and what else its sentence
tells. Nothing that the verbs use is used here: what they do wrong must be seen.
"""
