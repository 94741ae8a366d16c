"""The kinds of letters in a native inbox: the first element of each. bindings/letters.hpp has the
same."""

EVENT = 0  # handler, socket id or namespace, arguments, answer or None
ANSWER = 1  # token, error or None, values
CONNECTING = 2  # namespace, socket, handshake, recovered, rooms
DISCONNECTED = 3  # socket id or namespace, reason[, final]
GONE = 4  # socket id, how many inboxes are told
CONNECTED = 5  # namespace, socket id, recovered
CONNECT_ERROR = 6  # namespace, error, message, data, refused, final
RECONNECT_ATTEMPT = 7  # number
RECONNECTED = 8  # number
GAVE_UP = 9
AUTH = 10  # namespace, token
ANSWERS = 11  # token, error or None, list
SERVER_SIDE = 12  # handler, arguments, answer or None
SERVER_ERROR = 13  # namespace, message, data
