// Runs the cases of `conformance/cases.json` through the AWS SDK for JavaScript v3.

import "./control.js";
import "./guarded.js";
import "./media.js";
import { run } from "./cases.js";

await run();
