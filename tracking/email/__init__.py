"""What e-mail providers tell about messages: webhooks, what an event means for an address, and the e-mail rating."""
