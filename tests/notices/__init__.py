"""What a store's people are told by themselves."""
