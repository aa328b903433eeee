"""Running the notebooks: parameters, execution, and files that stay clean."""
