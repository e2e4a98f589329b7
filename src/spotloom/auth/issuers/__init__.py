"""Those who vouch for people: OpenID providers and Clerk."""
