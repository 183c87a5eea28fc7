"""What keeps tenants apart: the context, the base of models, row-level security, and proof that they hold.

Who may do what inside a workspace is in tenants.roles; who belongs to one in tenants.members.
"""
