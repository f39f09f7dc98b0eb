"""Fine-tuning: backends that train, jobs that survive, and the models that come of them."""
