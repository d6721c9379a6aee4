"""What a recipe says, and the inputs that it makes of pictures."""
