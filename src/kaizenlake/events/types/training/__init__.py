"""Events of what is learnt from: traces of agents, data sets and golden texts."""
