// Nothing: what is left is what every program pays.
require("@pulumi/pulumi");
