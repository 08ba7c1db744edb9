"""The SiteGiant sandbox: its wire, its data, the faults it can play and the control page that steers it."""
