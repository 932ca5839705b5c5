/** The process of {@link checkInOwnProcess}: checks one root, and says what is wrong. */
import { checkIndexConsistency } from "./index-consistency.js";

try {
  process.send!({ checked: await checkIndexConsistency(process.argv[2]!) });
} catch (error) {
  process.send!({
    failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}
process.disconnect();
