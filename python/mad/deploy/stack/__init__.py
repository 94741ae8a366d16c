"""What should be: the stack file, and the settings it stands for."""
