"""A simulated Spotify account that answers over real HTTP. The demo and the tests run on it.

The sandbox imports nothing of the product; the product knows only the sandbox's two addresses. Start one with
`python -m sandbox serve --home DIR`, or inside a test with `sandbox.testing.running_sandbox`.
"""
