"""The review page's server: HTTP in front of stores and desks, for one person or for teams."""
