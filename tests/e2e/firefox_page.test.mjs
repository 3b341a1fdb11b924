// The room in Firefox. Run by in_own_network.sh.

import { openFirefox } from './browsers.mjs';
import { pageSuite } from './page_suite.mjs';

pageSuite(openFirefox, { announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
