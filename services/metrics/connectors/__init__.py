"""Other services, asked over HTTP like anybody else asks them."""
