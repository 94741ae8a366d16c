"""What runs on the hosts, sent there by each command: nothing stays installed but what it puts in
place. Standard library of Python 3.9 alone, and nothing of the rest of mad."""
