import { clientMode } from "./client-mode.js";
import { conformance } from "./conformance.js";

conformance(clientMode("client", {}));
