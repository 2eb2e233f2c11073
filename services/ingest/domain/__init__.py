"""What a touchpoint is made of, as pure functions: keys, kind, channel, instants, consent, money. No wire format."""
