"""Webhooks that we send: a store's endpoints, what is to be told them, and what they answered."""
