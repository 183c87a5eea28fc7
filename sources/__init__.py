"""Lists of people to be found among the visitors: sources, their match reports, resolved contacts, ambiguities."""
