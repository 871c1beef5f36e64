"""Fine-tuning: task, loop, schedule, and what makes a large batch or many processes exact."""
