"""From messages to decisions to rows and back to messages: the shell around the pure domain."""
