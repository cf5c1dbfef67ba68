"""A simulated Spotify account behind real HTTP: what the demo and the tests run on.

It imports nothing of the product, and the product knows only its two addresses. Start one with
`python -m sandbox serve --home DIR`, or inside a test with `sandbox.testing.running_sandbox`.
"""
