"""Pure: a stack and what was observed give ordered actions with reasons. Knows no AWS library."""
