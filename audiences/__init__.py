"""Smart audiences, whom a campaign may reach and why the others are left out; lookalikes, who resembles a list."""
