"""The page that a person reads after a walk, and the one over many walks: made from an analysis, sent nowhere."""
