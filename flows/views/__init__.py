"""What people look at in the UI."""
