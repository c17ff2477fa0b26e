"""Accounts: signing in, roles, invitations, tokens; what happens is an event of each log it
touches."""
