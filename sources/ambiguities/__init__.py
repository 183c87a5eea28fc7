"""What points at two people: how it is found and closed, the evidence for each, and what members decide."""
