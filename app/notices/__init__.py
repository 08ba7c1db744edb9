"""What a store's people are told by themselves: behind the bell, by e-mail, or not at all."""
