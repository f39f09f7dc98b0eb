"""Backends that train: hosted services that speak OpenAI's API, and open weights on one's own machine."""
