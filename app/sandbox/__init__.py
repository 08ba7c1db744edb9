"""Stand-alone servers that play the channels, so that the whole portal can be rehearsed, shown and tested offline.

A sandbox shares nothing with the portal but the wire: it imports nothing of the rest of `app`, and nothing
there imports it. That is what makes a green run against it mean something.
"""
