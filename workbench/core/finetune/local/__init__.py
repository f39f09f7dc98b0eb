"""Training on one's own machine: a trainer that runs in a process of its own, and the files by which it is followed."""
