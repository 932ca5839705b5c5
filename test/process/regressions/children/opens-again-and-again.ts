/** Opens and closes a database as often as the second argument says. */
import { Environment } from "../../../../src/storage/environment.js";

const [, , folder, times] = process.argv;
for (let n = 0; n < Number(times); n += 1) {
  process.send!("opens");
  const environment = Environment.open(folder, "read")!;
  await environment.close();
}
process.disconnect();
