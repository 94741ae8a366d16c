import { behindProxy } from "../lib/proxied_matrix.mjs";

behindProxy("three nodes of the reference behind mad-proxy", "classic");
