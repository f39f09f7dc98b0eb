"""What the command line does: one module a command, and how they read, write and complain."""
