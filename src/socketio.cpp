// Bodies of room socketio.
