// The pages /call and /check in Firefox. Run by in_own_network.sh.

import { openFirefox } from './browsers.mjs';
import { callSuite } from './page_suite.mjs';

callSuite(openFirefox, { announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
