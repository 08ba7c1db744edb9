"""How fast it is: ratios to limits that are measured in the same run on the same machine (`make bench`).

Absolute times say more about the machine than about us, so each figure stands beside what a bare loop, a bare view
or a COPY needs for the same work, measured right before or after it. Medians of several interleaved rounds count.
"""
