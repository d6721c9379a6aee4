"""A plugin of the zoo."""
