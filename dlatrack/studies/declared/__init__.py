"""A study that is declared before it runs: cells, their training and scores, and what follows from them."""
