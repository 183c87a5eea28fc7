"""People of a workspace: memberships, invitations, sign-in, and their forms.

Roles and their permissions are in tenants.roles, the way from an address to a workspace in tenants.web.
"""
