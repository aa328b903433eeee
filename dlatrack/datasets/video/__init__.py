"""Video files: reading in any order or as a stream, rates, writing."""
