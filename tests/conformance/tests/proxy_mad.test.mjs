import { behindProxy } from "../lib/proxied_matrix.mjs";

behindProxy("three nodes of mad behind mad-proxy", "mad");
