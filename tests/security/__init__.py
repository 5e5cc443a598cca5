"""The way in, over real HTTP and websockets."""
