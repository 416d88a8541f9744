"""Many sessions: one table of strides for each, in parallel or on a cluster, and what they say together."""
