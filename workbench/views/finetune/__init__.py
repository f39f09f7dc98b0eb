"""What the Fine-tune page draws: who answers now, trainings, the form for a new one, tuned models."""
