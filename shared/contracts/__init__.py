"""What services say to each other over the log: messages, topics and how they are written as bytes.

Only additive changes inside a major version of a topic; a reader ignores fields it does not know.
Golden examples in ``examples/`` are run through every reader.
"""
