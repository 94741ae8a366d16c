import { matrix } from "../lib/matrix.mjs";

matrix("python-socketio 5");
