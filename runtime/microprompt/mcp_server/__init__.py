"""The functions of a program as tools of the Model Context Protocol, for agents and what runs them:
`server.create_server` makes the server, `transports` connects it.

Needs the extra `mcp` (`pip install 'microprompt[mcp]'`), so nothing imports this room at start.
"""
