"""What clients start: it finds the daemon, or starts it, and passes bytes to and from it.

Everything in this room is the standard library alone, and as little of that as can be: a client waits
for it, and each client has one. The daemon in `transports` and the command in `cli` import from here
where the daemon lives and how it is greeted; nothing here imports them.
"""
