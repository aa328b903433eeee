"""What became of the paper's claims: evidence, records of figures and tables, and their gallery."""
