"""Statistics: how sure one may be of what an experiment shows. No number stands without its interval."""
