"""The poll: from the fast path of an idle one to those that are held."""
