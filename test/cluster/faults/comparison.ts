import { CloudNativePg } from "./cloudnative-pg";
import { hurt, tries } from "./fault";
import { primaryFaults } from "./primary-faults";

// Part of `npm run faults` where the node has the operator. Its figures stand beside ours and are not judged; that it
// does not come back at all is a failure of the comparison.
// It takes several times as long.
const atMost = Math.ceil(tries / 2);

describe("writes to CloudNativePG whose primary is hurt", function () {
  this.timeout(`${10 + 4 * atMost} minutes`);
  let peer: CloudNativePg;

  before(async () => {
    peer = await CloudNativePg.create();
    await peer.prepare();
    await peer.deploy();
  });
  after(() => peer.remove());

  for (const fault of primaryFaults) {
    it(fault.title, () => hurt(peer, { ...fault, tries: Math.min(fault.tries, atMost) }));
  }
});
