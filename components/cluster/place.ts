import type * as pulumi from "@pulumi/pulumi";

/** Where a part of a cluster is made. */
export interface Place {
  parent: pulumi.Resource;
  /** A URN holds the types of a resource's parents but not their names: children carry the cluster's name. */
  childName: (child: string) => string;
}
