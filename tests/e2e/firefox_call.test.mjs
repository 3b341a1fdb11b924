// The pages /call and /check in Firefox. Run by in_own_network.sh.

import { openFirefox } from './browsers.mjs';
import { callSuite } from './page_suite.mjs';

// A goodbye that a page says as its tab closes, Firefox may drop: it closes the WebSocket meanwhile. Then the other side
// is told when the resume window ends.
callSuite(openFirefox, {
  args: ['--resume-window', '3'],
  announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1',
});
