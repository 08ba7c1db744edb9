"""The KiotViet sandbox: its wire, its data, the faults it can play and the switches where its sources disagree."""
