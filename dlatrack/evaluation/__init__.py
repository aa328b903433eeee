"""Score result files the way the public toolkits do. Needs no network and no images."""
