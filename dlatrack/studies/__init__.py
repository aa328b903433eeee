"""What a notebook does, one module per notebook."""
