"""Studies: which jobs a sweep consists of, how each is run once and only once, and what came of them."""
