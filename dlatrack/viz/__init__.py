"""Pictures: label assignments, curves, film strips. Nothing is drawn on import."""
