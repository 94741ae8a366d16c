"""A stack as files of other tools: nobody is locked in."""
