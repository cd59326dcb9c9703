import { config } from "chai";

// A value that is not as expected is shown whole: of a run somewhere else its output is all there is.
config.truncateThreshold = 0;
