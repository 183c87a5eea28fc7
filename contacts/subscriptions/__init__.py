"""What people subscribe to, and forms by which they sign up and unsubscribe (double opt-in)."""
