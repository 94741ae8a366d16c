"""How a command shows what it does: a tree on a terminal, plain lines, or JSON lines."""
