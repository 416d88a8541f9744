"""Plans of practice as data files, safety texts and their sources; which stage of a plan one is at."""
