"""Functions over HTTP: `app.create_app` makes an ASGI application of them, `server.run` serves one.

Needs the extra `serve` (`pip install 'microprompt[serve]'`), so nothing imports this room at start.
"""
