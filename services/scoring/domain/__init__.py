"""What a lead is, as pure functions of frozen values (core 2-5). No I/O, no clock, no framework."""
