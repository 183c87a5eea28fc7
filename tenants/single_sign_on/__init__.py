"""Single sign-on by OpenID Connect: the provider of a workspace, its domains, and the accounts that sign in by it.

allauth leads to the provider and exchanges the code (exchange); what the provider says is checked here (id_tokens), and what
it may open, too (people). What a session has shown is tenants.provider_sessions (docs/accounts.md, decision 28).
"""
