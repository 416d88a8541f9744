"""A guided session: what is said and when, the toe touches counted, the 3-metre walk timed. Watches a recording."""
