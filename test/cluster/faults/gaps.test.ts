import { TestStack } from "../stack";
import { hurt, tries } from "./fault";
import { OwnCluster } from "./own-cluster";
import { primaryFaults } from "./primary-faults";

describe("writes to a cluster whose primary is hurt", function () {
  this.timeout(`${5 + tries} minutes`);
  let cluster: OwnCluster;

  before(async () => {
    const stack = await TestStack.create("gaps", { replicas: 3 });
    cluster = new OwnCluster(stack);
    await stack.up();
  });
  after(() => cluster.stack.remove());

  for (const fault of primaryFaults) it(`go on: ${fault.title}`, () => hurt(cluster, fault));
});
