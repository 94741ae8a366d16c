"""The machines of a stack, however they came to be, and the way to them."""
