import { matrix } from "../lib/matrix.mjs";

matrix("socket.io-client 2.5");
