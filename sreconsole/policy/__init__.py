"""What an action would do, which tier that is, and why."""
